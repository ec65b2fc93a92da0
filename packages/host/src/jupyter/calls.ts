/**
 * What clients of Jupyter ask, as calls of the protocol: so that rights, policy and record are those of everybody, and nothing of who may do what is
 * decided in this room.
 */
import { create, type Init, KernelCallSchema, type KernelAnswer, type KernelCall, KillCallSchema } from "@holdfast/protocol";
import { answerCall } from "../call/answer.ts";
import type { CallContext, Result } from "../call/context.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";

/** In records, and in what a kernel is told of who acts. */
export const VIA = "jupyter";

/** For a kernel to end by itself. */
const GRACE_MS = 5_000;

type Answer<K extends Result["case"]> = Extract<Result, { readonly case: K }>["value"];

export interface Caller {
  readonly operator: RegisteredOperator;
  /** Its `User-Agent`. */
  readonly client: string;
  readonly signal: AbortSignal;
}

export class JupyterCalls {
  readonly host: Host;
  readonly #identity: Pick<CallContext, "hostId" | "hostKey">;

  constructor(host: Host, identity: Pick<CallContext, "hostId" | "hostKey">) {
    this.host = host;
    this.#identity = identity;
  }

  /** Throws what the call is refused with. */
  async call<K extends Result["case"]>(
    { operator, client, signal }: Caller,
    verb: CallContext["verb"],
    _answer: K,
  ): Promise<Answer<K>> {
    const result = await answerCall({
      ...this.#identity,
      host: this.host,
      operator,
      via: VIA,
      client,
      link: "",
      isBearer: true,
      verb,
      signal,
      hasRoom: () => true,
      more: () => {},
    });
    return result.value as unknown as Answer<K>;
  }

  /** Ends the session, and its kernel with it. */
  async end(caller: Caller, session: string): Promise<void> {
    const value = create(KillCallSchema, { session, graceMs: BigInt(GRACE_MS) });
    await this.call(caller, { case: "kill", value }, "session");
  }

  kernel(caller: Caller, session: string, ask: NonNullable<Init<KernelCall>["ask"]>): Promise<KernelAnswer> {
    const value = create(KernelCallSchema, { session, ask });
    return this.call(caller, { case: "kernel", value }, "kernel");
  }
}
