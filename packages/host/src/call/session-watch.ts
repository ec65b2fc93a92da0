/**
 * The list of sessions as it changes.
 *
 *   N1  First the list, the latest active first; then each session that has changed, as it is when it is sent.
 *   N2  What is to be sent is a set of sessions, no queue of states: who reads slowly gets fewer of them, and the newest.
 *   N3  A change that a person sees waits for {@link SOON_MS}, and what was only printed or typed for {@link MINOR_MS}.
 *   N4  Whether a session is in the caller's list is asked anew each time that it is sent; one that is not any more is told as gone.
 */
import { create, type Session, SessionWatchAnswerSchema } from "@holdfast/protocol";
import { MonotonicMs } from "@holdfast/core";
import type { LiveSession } from "../session/session.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { isListed } from "./sessions.ts";

const SOON_MS = 250;
const MINOR_MS = 1_000;
const ROOM_MS = 100;
/** In one part, so that a list of a thousand neither makes a frame too large nor holds the loop up. */
const PART = 100;
const MOST = 10_000;

type Part = Extract<Result, { case: "sessionWatch" }>["value"];

export function sessionWatch(ctx: CallContext, call: Verb<"sessionWatch">): Promise<Result> {
  return new Promise((resolve) => new Watch(ctx, call, resolve));
}

class Watch {
  readonly #ctx: CallContext;
  readonly #call: Verb<"sessionWatch">;
  /** To be sent (N2). */
  readonly #changed: Set<string>;
  readonly #told = new Set<string>();
  #omitted: number;
  #isFirst = true;
  /** What the last part said. */
  #isComplete = false;
  #wake: { readonly at: number; readonly cancel: () => void } | null = null;

  constructor(ctx: CallContext, call: Verb<"sessionWatch">, over: (result: Result) => void) {
    this.#ctx = ctx;
    this.#call = call;
    const listed = this.#listed();
    const limit = Math.min(call.limit || MOST, MOST);
    this.#changed = new Set(listed.slice(0, limit).map((s) => s.id));
    this.#omitted = Math.max(0, listed.length - limit);
    const stop = ctx.host.changes.watch((id, isMinor) => {
      this.#changed.add(id);
      this.#sendIn(isMinor ? MINOR_MS : SOON_MS);
    });
    const ended = (): void => {
      stop();
      this.#wake?.cancel();
      over({ case: "sessionWatch", value: create(SessionWatchAnswerSchema) });
    };
    if (ctx.signal.aborted) ended();
    else {
      ctx.signal.addEventListener("abort", ended, { once: true });
      this.#send();
    }
  }

  #listed(): LiveSession[] {
    const { host, operator } = this.#ctx;
    return [...host.sessions.values()]
      .filter((s) => s.facts.createdAt > 0 && isListed(host, operator, this.#call, s))
      .sort((a, b) => b.facts.lastActivityAt - a.facts.lastActivityAt);
  }

  #sendIn(ms: number): void {
    const { clock, wakeAt } = this.#ctx.host.ports;
    const at = clock.monoMs() + ms;
    if (this.#wake && this.#wake.at <= at) return;
    this.#wake?.cancel();
    const cancel = wakeAt(MonotonicMs(at), () => {
      this.#wake = null;
      this.#send();
    });
    this.#wake = { at, cancel };
  }

  #send(): void {
    if (!this.#isFirst && this.#changed.size === 0) return;
    if (!this.#ctx.hasRoom()) return this.#sendIn(ROOM_MS);
    const part = this.#part();
    const isNews = part.sessions.length > 0 || part.gone.length > 0 || part.complete !== this.#isComplete;
    this.#isComplete = part.complete;
    if (isNews) this.#ctx.more({ case: "sessionWatch", value: part });
    // Others have their turn before the next part.
    if (this.#changed.size > 0) this.#sendIn(0);
  }

  #part(): Part {
    const part = create(SessionWatchAnswerSchema, { first: this.#isFirst, omitted: BigInt(this.#isFirst ? this.#omitted : 0) });
    for (const id of this.#changed) {
      if (part.sessions.length + part.gone.length >= PART) break;
      this.#changed.delete(id);
      const session = this.#shown(id);
      if (session) {
        this.#told.add(id);
        part.sessions.push(session);
      } else if (this.#told.delete(id)) part.gone.push(id);
    }
    this.#isFirst = false;
    part.complete = this.#changed.size === 0;
    return part;
  }

  /** Null: it is not in the caller's list (N4). */
  #shown(id: string): Session | null {
    const { host, operator } = this.#ctx;
    const session = host.sessions.get(id);
    if (!session || session.facts.createdAt === 0 || !isListed(host, operator, this.#call, session)) return null;
    const shown = host.shown(session);
    const look = host.may(operator, "session.observe", id) ? host.changes.lookOf(id) : null;
    if (look) [shown.activity, shown.foreground] = [look.activity, look.foreground];
    return operator.kind === "ai" ? session.secrets.inside(shown) : shown;
  }
}
