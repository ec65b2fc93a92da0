/** A relay's web side, as a native client calls it. */
import { FindRequestSchema, FindResponseSchema, fromBinary, HoldError, invariant, toBinary } from "@holdfast/protocol";
import { REACH_PATH } from "../websocket/address.ts";
import { type OperatorCalls, otherRelay, type PieceCall, pinOf, type RelayClientOptions } from "./calls.ts";
import { type RelayAddress, relayUrl } from "./address.ts";
import { SILENT_MS } from "./pace.ts";
import { answerTo } from "./tunnel.ts";
import { dialWeb, type WebCall } from "./web-call.ts";

/** Each call has a WebSocket of its own; the first is dialled already. */
export class WebClient implements OperatorCalls {
  readonly #dial: () => Promise<WebCall>;
  readonly #calls = new Set<WebCall>();
  #first: WebCall | null;

  private constructor(first: WebCall, dial: () => Promise<WebCall>) {
    this.#first = first;
    this.#dial = dial;
    this.#calls.add(first);
  }

  static async open(address: RelayAddress, { ca, timeoutMs = SILENT_MS }: RelayClientOptions): Promise<WebClient> {
    const { authority, pin } = address;
    const checkKey = (spki: Uint8Array): void => {
      const seen = pinOf(spki);
      if (seen !== pin) throw otherRelay(authority, pin, seen);
    };
    const url = `${relayUrl({ ...address, pin: "" })}${REACH_PATH}`;
    const dial = (): Promise<WebCall> => dialWeb(url, { ca, timeoutMs, checkKey: pin === "" ? undefined : checkKey });
    return new WebClient(await dial(), dial);
  }

  /** Once, and before anything else: who reaches a host has no further use of the relay. */
  stream(): PieceCall {
    invariant(this.#first, "a WebSocket to a relay is one call");
    const call = this.#first;
    this.#first = null;
    return call;
  }

  async find(request: Buffer): Promise<Buffer> {
    const call = this.#first ?? (await this.#dial());
    this.#first = null;
    this.#calls.add(call);
    const body = await answerTo(call, { case: "find", value: fromBinary(FindRequestSchema, request) });
    call.giveUp();
    if (body.case !== "found") throw new HoldError("bad_request", "the relay does not speak as one");
    return Buffer.from(toBinary(FindResponseSchema, body.value));
  }

  here(): Promise<void> {
    return Promise.race([...this.#calls].map((call) => call.here()));
  }

  close(): void {
    for (const call of this.#calls) call.giveUp();
  }
}
