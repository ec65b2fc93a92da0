/**
 * {@link HostClient.watchSessions}: parts of the host's list, folded into the list as it is now.
 *   L1  Nothing is told of a list that is not whole yet.
 *   L2  Who is told is told one list at a time; what comes meanwhile is folded, and told as one when they are done.
 *   L3  Once the watch is over, nothing is told any more.
 */
import { HoldError, type Session, type SessionWatchAnswer } from "@holdfast/protocol";
import type { HostClient, SessionList } from "../api/index.ts";
import type { AskApprovals as Ask } from "./approvals.ts";

type Watch = Parameters<HostClient["watchSessions"]>;

export async function watchSessions(ask: Ask, told: Watch[0], options: NonNullable<Watch[1]>): Promise<void> {
  const { all = false, group = "", limit = 0, signal } = options;
  const list = new List();
  let isTelling = false;
  let isOver = false;
  const more = async (r: { readonly case: string | undefined; readonly value?: unknown }): Promise<void> => {
    if (r.case !== "sessionWatch") return;
    list.take(r.value as SessionWatchAnswer);
    if (isTelling) return;
    isTelling = true;
    try {
      for (let news = list.news(); news && !isOver && !signal?.aborted; news = list.news()) await told(news);
    } finally {
      isTelling = false;
    }
  };
  try {
    await ask("sessionWatch", { case: "sessionWatch", value: { all, group, limit } }, { signal, more });
  } catch (fault) {
    if (!(fault instanceof HoldError && fault.code === "cancelled" && signal?.aborted)) throw fault;
  } finally {
    isOver = true;
  }
}

/** L1, L2. */
export class List {
  readonly #sessions = new Map<string, Session>();
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  #omitted = 0;
  #isWhole = false;
  #hasNews = false;

  take(part: SessionWatchAnswer): void {
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
    this.#isWhole = part.complete;
    this.#hasNews = true;
  }

  /** Since the last time; null: none, or the list is not whole. */
  news(): SessionList | null {
    if (!this.#isWhole || !this.#hasNews) return null;
    const news = {
      sessions: [...this.#sessions.values()],
      changed: [...this.#changed],
      gone: [...this.#gone],
      omitted: this.#omitted,
    };
    this.#hasNews = false;
    this.#changed.clear();
    this.#gone.clear();
    return news;
  }
}
