/**
 * The sessions of a host, by id and by name: what one may be called, and which one is meant.
 *
 *   A2  A name belongs to at most one live session; ended ones keep theirs for reading. No name is the id of a session: a whole
 *       id means that session whatever others are called.
 * Elsewhere: which of them an operator may see (operator/rights.ts).
 */
import { HoldError, limits } from "@holdfast/protocol";
import type { OpenRequest } from "./open.ts";
import type { SessionPorts } from "./ports.ts";
import type { LiveSession } from "./session.ts";

const ID_CHARS = 10;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Of a name that is no good: what of it is shown. */
export const SHOWN_NAME_CHARS = 80;
/** Names and ids shown in one error. */
const SHOWN_CANDIDATES = 10;

export class Roster {
  readonly sessions = new Map<string, LiveSession>();
  readonly #ports: Pick<SessionPorts, "journal" | "newId">;
  readonly #recall: (id: string) => LiveSession | null;

  /** `recall`: the session of that id as its journal has it, for one that is no longer held in memory. */
  constructor(ports: Pick<SessionPorts, "journal" | "newId">, recall: (id: string) => LiveSession | null) {
    this.#ports = ports;
    this.#recall = recall;
  }

  live(): LiveSession[] {
    return [...this.sessions.values()].filter((s) => !s.isOver);
  }

  /** Throws where a session may not be called this now (A2). `of`: the session that is renamed. */
  checkName(name: string, of: LiveSession | null): void {
    if (!NAME.test(name))
      throw new HoldError(
        "bad_request",
        `session name ${JSON.stringify(name.slice(0, SHOWN_NAME_CHARS))}: letters, digits, dot, dash and underscore, 64 at most, a letter or digit first`,
      );
    const other = [...this.sessions.values()].find((s) => s !== of && !s.isOver && s.facts.name === name);
    if (other)
      throw new HoldError("name_taken", `a session named ${name} lives (${other.id}); attach to it with: hold attach ${name}`, {
        session: other.id,
      });
    if (this.#isId(name))
      throw new HoldError("name_taken", `${name} is the id of a session, which it goes on to mean; choose another name`, {
        session: name,
      });
  }

  #isId(text: string): boolean {
    return this.sessions.has(text) || (text.length === ID_CHARS && this.#ports.journal.tail(text) !== null);
  }

  /** Whether a new session may have this id, and no other of chance. */
  isFree(id: string): boolean {
    return !this.#isId(id) && !this.live().some((s) => s.facts.name === id);
  }

  /** By its whole id alone. */
  withId(id: string): LiveSession | null {
    return this.sessions.get(id) ?? this.#shed(id);
  }

  freeId(): string {
    for (;;) {
      const id = this.#ports.newId(ID_CHARS);
      if (!this.live().some((s) => s.facts.name === id)) return id;
    }
  }

  /** What a session is called that nobody has named. */
  freeName(request: Pick<OpenRequest, "command" | "shell">): string {
    const live = this.live();
    const program = (request.command[0] ?? request.shell) || "sh";
    const base =
      program
        .slice(program.lastIndexOf("/") + 1)
        .replace(/^-/, "")
        .replaceAll(/[^A-Za-z0-9._-]/g, "-")
        .replace(/^[^A-Za-z0-9]+/, "")
        .slice(0, 40) || "session";
    const taken = new Set(live.map((s) => s.facts.name));
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}-${n}`;
      if (!taken.has(name)) return name;
    }
  }

  /** The live session of this very name. */
  living(name: string): LiveSession | null {
    return [...this.sessions.values()].find((s) => !s.isOver && s.facts.name === name) ?? null;
  }

  /** By id, live name, ended name (the latest) or unique prefix of an id. */
  find(text: string): LiveSession {
    if (text === "" || text.length > limits.nameBytes)
      throw new HoldError(
        "bad_request",
        `which session? an id, a unique prefix of one, or a name of ${limits.nameBytes} characters at most; hold ls shows them`,
      );
    const known = this.sessions.get(text);
    if (known) return known;
    const all = [...this.sessions.values()];
    const named = all.filter((s) => s.facts.name === text);
    const live = named.find((s) => !s.isOver);
    if (live) return live;
    const shed = this.#shed(text);
    if (shed) return shed;
    const latest = named.sort((a, b) => b.facts.createdAt - a.facts.createdAt)[0];
    if (latest) return latest;
    const prefixed = all.filter((s) => s.id.startsWith(text));
    if (prefixed.length === 1) return prefixed[0]!;
    if (prefixed.length > 1)
      throw new HoldError(
        "ambiguous_session",
        `${JSON.stringify(text)} may be ${prefixed
          .slice(0, SHOWN_CANDIDATES)
          .map((s) => `${s.id} (${s.facts.name})`)
          .join(
            ", ",
          )}${prefixed.length > SHOWN_CANDIDATES ? ` or one of ${prefixed.length - SHOWN_CANDIDATES} more` : ""}; give more of the id, or a name`,
        {
          candidates: prefixed
            .slice(0, SHOWN_CANDIDATES)
            .map((s) => s.id)
            .join(","),
        },
      );
    const near = all
      .filter((s) => !s.isOver)
      .map((s) => s.facts.name)
      .filter((n) => distance(n, text) <= Math.min(2, text.length / 2))
      .slice(0, SHOWN_CANDIDATES);
    throw new HoldError(
      "no_such_session",
      `no session ${JSON.stringify(text)}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "; hold ls shows those that live, hold ls -a all"}`,
      near.length > 0 ? { candidates: near.join(",") } : {},
    );
  }

  /** One that was shed: by its whole id. */
  #shed(id: string): LiveSession | null {
    return id.length === ID_CHARS && this.#ports.journal.tail(id) ? this.#recall(id) : null;
  }
}

/** Edit distance, for "did you mean"; short strings only. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
