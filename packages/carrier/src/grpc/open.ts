/** A relay, by whichever way its address says. */
import type { RelayAddress } from "./address.ts";
import { type OperatorCalls, RelayClient, type RelayClientOptions } from "./calls.ts";

/** As {@link RelayClient.open}. */
export async function openRelay(address: RelayAddress, options: RelayClientOptions = {}): Promise<OperatorCalls> {
  if (!address.isWeb) return RelayClient.open(address, options);
  const { WebClient } = await import("./web-client.ts");
  return WebClient.open(address, options);
}
