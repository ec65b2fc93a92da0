/**
 * What is kept of sessions, and how long: folds, so that a restart reads little; records and output as retention has it; ended commands.
 */
import { create, EventBody_NoteSchema } from "@holdfast/protocol";
import type { SessionPorts } from "./ports.ts";
import type { LiveSession } from "./session.ts";

/** Ended commands of `hold exec` that are kept in memory, about 5 KB each; of older ones only the journal knows, and is asked by id. */
export const KEPT_COMMANDS = 256;
/** A fold is saved after this many records, or bytes of payload, so that a restart reads little: nobody is served before it has. */
const SAVE_EVERY = 2_000;
const SAVE_BYTES = 4 * 1024 * 1024;

/** What this asks of the host. */
export interface KeptWorld {
  readonly sessions: ReadonlyMap<string, LiveSession>;
  /** Empty for one that is no command of `hold exec`. */
  parentOf(session: LiveSession): string;
  /** Out of memory; its records stay. */
  forget(session: LiveSession): void;
  /** The same for one that people may be attached to: they are told why. */
  leaveFor(session: LiveSession, reason: string): void;
}

export class Retention {
  readonly #ports: Pick<SessionPorts, "journal" | "checkpoints" | "log" | "defer">;
  readonly #world: KeptWorld;
  /** Told of, once. */
  readonly #unsaved = new Set<string>();
  readonly #saved = new Map<string, number>();
  readonly #renewing = new Set<string>();

  constructor(ports: Pick<SessionPorts, "journal" | "checkpoints" | "log" | "defer">, world: KeptWorld) {
    this.#ports = ports;
    this.#world = world;
  }

  /** Saves it from now on, now and then. `savedSeq`: where its saved fold stands; 0: there is none. */
  begin(session: LiveSession, savedSeq: number): void {
    this.#saved.set(session.id, savedSeq);
    let unsaved = session.facts.seq - savedSeq;
    let unsavedBytes = 0;
    session.listen((entry) => {
      unsaved++;
      unsavedBytes += entry.payloadBytes;
      if (unsaved < SAVE_EVERY && unsavedBytes < SAVE_BYTES) return;
      unsaved = unsavedBytes = 0;
      this.#ports.defer(() => this.save(session));
    });
  }

  forget(session: LiveSession): void {
    this.#saved.delete(session.id);
    this.#unsaved.delete(session.id);
  }

  /** P3: a script that runs thousands of commands costs no memory for each. */
  shed(): void {
    const over = [...this.#world.sessions.values()].filter(
      (s) => s.isOver && this.#world.parentOf(s) !== "" && s.attachments.size === 0 && s.shimLink === null,
    );
    if (over.length <= KEPT_COMMANDS) return;
    over.sort((a, b) => a.facts.lastActivityAt - b.facts.lastActivityAt);
    for (const session of over.slice(0, over.length - KEPT_COMMANDS)) {
      this.save(session);
      session.leave();
      this.#world.forget(session);
    }
  }

  /** Saves a session's fold and lets retention do its work. */
  save(session: LiveSession): void {
    if (this.#saved.get(session.id) === session.facts.seq || this.#ports.journal.frozen || session.kernel?.maySave === false)
      return;
    const { seq } = session.facts;
    const blob = Buffer.from(JSON.stringify({ ...session.saved(), parent: this.#world.parentOf(session) }));
    if (this.#ports.journal.saveFold(session.id, seq, blob)) {
      this.#saved.set(session.id, seq);
      this.#unsaved.delete(session.id);
    } else if (!this.#unsaved.has(session.id)) {
      this.#unsaved.add(session.id);
      this.#ports.log(
        `the books of session ${session.id} can't be saved: until they can, records from its last ones on are kept beyond retention`,
      );
    }
    this.#prune(session);
  }

  /** What follows its saved fold is in no other place. */
  #prune(session: LiveSession): void {
    const saved = this.#saved.get(session.id) ?? 0;
    const keepFrom = Math.max(1, session.facts.kind === "pty" ? Math.min(session.screen.checkpointSeq, saved) : saved);
    this.#ports.journal.prune(session.id, Math.max(1, Math.min(keepFrom, slowest(session))), keepFrom);
  }

  /**
   * Lets the journal drop the records that age and bytes have given up. A session that lives is not dropped with them: its books and
   * screen are saved, and where nothing else of it would be left, a new record carries it on. One that has ended was kept for long enough.
   */
  makeRoom(): void {
    const { journal, checkpoints, log } = this.#ports;
    for (const { session: id, isWhole } of journal.pruneRecords()) {
      const session = this.#world.sessions.get(id);
      if (isWhole && (!session || session.isOver)) {
        if (session) this.#world.leaveFor(session, "retention");
        journal.expire(id);
        checkpoints.remove(id);
      } else if (!session) {
        journal.prune(id, Number.MAX_SAFE_INTEGER);
      } else if (!this.#renewing.has(id)) {
        this.#renewing.add(id);
        void this.#renew(session, isWhole)
          .catch((fault: unknown) => log(`session ${id}: its records can't be carried on yet: ${String(fault)}`))
          .finally(() => this.#renewing.delete(id));
      }
    }
  }

  async #renew(session: LiveSession, isWhole: boolean): Promise<void> {
    if (isWhole)
      session.record(
        { id: "system:host", via: "retention" },
        {
          case: "note",
          value: create(EventBody_NoteSchema, { text: "what was recorded before reached the end of its retention" }),
        },
      );
    if (session.facts.kind === "pty") await session.screen.settle();
    this.save(session);
    this.#prune(session);
  }
}

/** The furthest behind of those who read the journal at their own pace. */
function slowest(session: LiveSession): number {
  let seq = session.facts.seq as number;
  for (const a of session.attachments.values()) seq = Math.min(seq, a.reader.cursor + 1);
  return seq;
}
