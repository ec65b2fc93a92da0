/** {@link HostClient.watchSessions}: parts of the host's list, folded into the list as it is now. */
import { HoldError, type Session, type SessionWatchAnswer } from "@holdfast/protocol";
import type { HostClient, SessionList } from "../api/index.ts";
import type { AskApprovals as Ask } from "./approvals.ts";

type Watch = Parameters<HostClient["watchSessions"]>;

export async function watchSessions(ask: Ask, told: Watch[0], options: NonNullable<Watch[1]>): Promise<void> {
  const { all = false, group = "", limit = 0, signal } = options;
  const list = new List();
  const more = async (r: { readonly case: string | undefined; readonly value?: unknown }): Promise<void> => {
    if (r.case !== "sessionWatch") return;
    const news = list.take(r.value as SessionWatchAnswer);
    if (news) await told(news);
  };
  await ask("sessionWatch", { case: "sessionWatch", value: { all, group, limit } }, { signal, more }).catch((fault: unknown) => {
    if (!(fault instanceof HoldError && fault.code === "cancelled" && signal?.aborted)) throw fault;
  });
}

/** Tells nothing of a list that is not whole yet. */
export class List {
  readonly #sessions = new Map<string, Session>();
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  #omitted = 0;

  take(part: SessionWatchAnswer): SessionList | null {
    if (part.first) this.#omitted = Number(part.omitted);
    for (const session of part.sessions) {
      this.#sessions.set(session.id, session);
      this.#changed.add(session.id);
      this.#gone.delete(session.id);
    }
    for (const id of part.gone) {
      if (this.#sessions.delete(id)) this.#gone.add(id);
      this.#changed.delete(id);
    }
    if (!part.complete) return null;
    const news = {
      sessions: [...this.#sessions.values()],
      changed: [...this.#changed],
      gone: [...this.#gone],
      omitted: this.#omitted,
    };
    this.#changed.clear();
    this.#gone.clear();
    return news;
  }
}
