/** What a call's handler is given. */
import { type Answer, type Call, HoldError } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";

export type Result = Exclude<Answer["result"], { case: undefined }>;

export interface CallContext {
  readonly host: Host;
  readonly hostId: string;
  /** Raw public key of this host. */
  readonly hostKey: Uint8Array;
  readonly operator: RegisteredOperator;
  /** SHA-256 of the raw public key that was proven on this very link, hex; empty or absent: it was proven by other means. */
  readonly keyId?: string;
  readonly via: string;
  readonly client: string;
  readonly link: string;
  /** It was a grant that said who calls, and not the key itself. */
  readonly isBearer: boolean;
  readonly verb: Call["verb"];
  /** Aborted when the caller gave up or its link is gone. What the call set going in a session is not undone by that. */
  readonly signal: AbortSignal;
  /** False while so much waits in this process for the caller to read it that a stream should wait too. */
  hasRoom(): boolean;
  /** A part of a streamed answer; the handler's own result is the last. */
  more(result: Result): void;
}

/** Who asks for what: all that admitting a call looks at. */
export type Asking = Pick<CallContext, "host" | "operator" | "via" | "verb" | "signal">;

export type Verb<K extends NonNullable<Call["verb"]["case"]>> = Extract<Call["verb"], { case: K }>["value"];

/**
 * Throws `cancelled` for a caller who is gone before anything was begun: what listens for that from here on would not hear it any more,
 * and wait for ever.
 */
export function demandCaller(signal: AbortSignal): void {
  if (signal.aborted) throw new HoldError("cancelled", "the caller left before it was begun: nothing was done");
}
