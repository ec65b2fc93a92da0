/** A relay's web side, as a native client calls it. */
import { HoldError } from "@holdfast/protocol";
import { REACH_PATH } from "../websocket/address.ts";
import { type OperatorCalls, otherRelay, type PieceCall, pinOf, type RelayClientOptions } from "./calls.ts";
import { type RelayAddress, relayUrl } from "./address.ts";
import { dialWeb, type WebCall } from "./web-call.ts";

const CONNECT_MS = 10_000;

/** One call each, which is its connection. */
export class WebClient implements OperatorCalls {
  readonly #call: WebCall;

  private constructor(call: WebCall) {
    this.#call = call;
  }

  static async open(address: RelayAddress, { ca, timeoutMs = CONNECT_MS }: RelayClientOptions): Promise<WebClient> {
    const { authority, pin } = address;
    const checkKey = (spki: Uint8Array): void => {
      const seen = pinOf(spki);
      if (seen !== pin) throw otherRelay(authority, pin, seen);
    };
    const url = `${relayUrl({ ...address, pin: "" })}${REACH_PATH}`;
    return new WebClient(await dialWeb(url, { ca, timeoutMs, checkKey: pin === "" ? undefined : checkKey }));
  }

  stream(): PieceCall {
    return this.#call;
  }

  find(): Promise<never> {
    return Promise.reject(
      new HoldError("unsupported", "a relay lists hosts over gRPC alone; say which one is meant: --host NAME, or NAME/SESSION"),
    );
  }

  close(): void {
    this.#call.giveUp();
  }
}
