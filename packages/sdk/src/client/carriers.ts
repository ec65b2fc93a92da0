/** Which carriers lead to a host that listens, in which order they are tried. */
import { HoldError } from "@holdfast/protocol";

export type NetworkCarrier = "websocket" | "http";

/** Those that were asked for; else the one that the address says: `http` for http:// and https://, `websocket` for ws:// and wss://. */
export function carriersFor(url: string, wanted: readonly NetworkCarrier[] | undefined): readonly NetworkCarrier[] {
  const strange = wanted?.find((name) => name !== "websocket" && name !== "http");
  if (strange !== undefined || wanted?.length === 0)
    throw new HoldError(
      "usage",
      "the carriers of a host that listens are websocket and http; name one, or both in the order to try them",
    );
  return wanted ?? [/^https?:/i.test(url) ? "http" : "websocket"];
}
