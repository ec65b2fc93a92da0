/**
 * The host: every session of this user on this machine, and who may do what with them. It is fed by links (link/) and by
 * shims; it can be killed at any time, and the next one takes up where it was.
 *
 *   A1  At start, every session of the journal that had not ended is adopted, or found lost, before the host serves.
 *   A2  A name belongs to at most one live session; ended ones keep theirs for reading. No name is the id of a session: a whole
 *       id means that session whatever others are called.
 *   A3  Nothing but a session's own end, an operator or the session's policy ends it.
 */
import { existsSync } from "node:fs";
import { MonotonicMs, type Capability } from "@holdfast/core";
import {
  create,
  EventBody_HostStartedSchema,
  EventBody_OperatorChangedSchema,
  EventBody_NoteSchema,
  HoldError,
  limits,
  SessionState,
  type Init,
  type Session,
  type Surroundings,
} from "@holdfast/protocol";
import { Gate } from "./approval/gate.ts";
import type { Continuity } from "./operator/continuity.ts";
import type { Invitations } from "./operator/invitations.ts";
import { KeyUses } from "./operator/key-uses.ts";
import type { OidcIssuer } from "./operator/oidc.ts";
import type { OperatorRegistry, RegisteredOperator } from "./operator/registry.ts";
import { Refusals } from "./operator/refusals.ts";
import { confineOf, Rights } from "./operator/rights.ts";
import { PolicyStore } from "./policy/store.ts";
import type { Actor } from "./session/book.ts";
import { floorOnWire, sessionOnWire } from "./session/on-wire.ts";
import * as lifetime from "./session/lifetime.ts";
import { openSession, started, type Opener, type OpenRequest } from "./session/open.ts";
import type { SessionPorts } from "./session/ports.ts";
import { isJournalFault } from "./session/journal-fault.ts";
import { recall } from "./session/recall.ts";
import { encodeBody, kindOf, type Body } from "./session/record.ts";
import { LiveSession } from "./session/session.ts";
import { operatorOf } from "./session/steering.ts";

/** Session of the journal that holds the host's own records: starts, operators. */
export const HOST_SESSION = "host";
const ID_CHARS = 10;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Of a name that is no good: what of it is shown. */
const SHOWN_NAME_CHARS = 80;
/** How often, and after how long, a shim is tried again that did not welcome us and is not known to be gone: five minutes. */
const LINK_ATTEMPTS = 300;
const LINK_WAIT_MS = 1_000;
/** Connecting fails like this where no shim is. */
const GONE = /\bE(CONNREFUSED|NOENT|NOTDIR|NOTSOCK|PROTOTYPE|LOOP|NAMETOOLONG)\b/;
/** Ended commands of `hold exec` that are kept in memory, about 5 KB each; of older ones only the journal knows, and is asked by id. */
export const KEPT_COMMANDS = 256;
/** Names and ids shown in one error. */
const SHOWN_CANDIDATES = 10;
/** A fold is saved after this many records, or bytes of payload, so that a restart reads little: nobody is served before it has. */
const SAVE_EVERY = 2_000;
const SAVE_BYTES = 4 * 1024 * 1024;

export interface HostOptions {
  readonly ports: SessionPorts;
  readonly opener: Opener;
  readonly registry: OperatorRegistry;
  readonly invitations: Invitations;
  readonly continuity: Continuity;
  /** Default: kept in memory. */
  readonly keyUses?: KeyUses;
  /** What AIs may do. Default: what their roles let them. */
  readonly policy?: PolicyStore;
  readonly version: string;
  readonly maxSessions: number;
  /** Facts about the host for `hold host status`. */
  readonly home: string;
  readonly journalFolder: string;
  readonly auditPublicKey: Uint8Array;
  readonly shimBinary: string;
  readonly startedAtUnixMs: number;
  linkCount(): number;
  /** Why no new session can be taken now, if so. */
  lacking?(): HoldError | null;
  /** Has the host go, when an operator asks. */
  readonly onDown: (() => void) | null;
}

export class Host {
  readonly ports: SessionPorts;
  readonly registry: OperatorRegistry;
  readonly invitations: Invitations;
  readonly continuity: Continuity;
  readonly keyUses: KeyUses;
  /** Where people may log in, if an admin has said so. */
  oidc: OidcIssuer | null = null;
  readonly policy: PolicyStore;
  readonly gate: Gate;
  readonly version: string;
  readonly home: string;
  readonly journalFolder: string;
  readonly auditPublicKey: Uint8Array;
  readonly shimBinary: string;
  readonly startedAtUnixMs: number;
  readonly linkCount: () => number;
  readonly onDown: (() => void) | null;
  /** Where others reach it, by carrier; and what an admin should know of that. */
  readonly addresses = new Map<string, string>();
  readonly notices: string[] = [];
  /** Of its SSH server, as in known_hosts; empty: there is none. */
  sshHostKey = "";
  /** What a session inherits that is opened from a machine or page of which nothing is to be inherited. */
  surroundings: Init<Surroundings> | undefined;
  readonly #opener: Opener;
  readonly #maxSessions: number;
  readonly #lacking: () => HoldError | null;
  readonly #sessions = new Map<string, LiveSession>();
  readonly #saved = new Map<string, number>();
  readonly #parents = new Map<string, string>();
  readonly refusals: Refusals;
  readonly #rights: Rights;
  readonly #revocations = new Set<(operator: string) => void>();
  readonly #keyRevocations = new Set<(operator: string, keyId: Uint8Array) => void>();

  constructor(options: HostOptions) {
    this.ports = options.ports;
    this.#opener = options.opener;
    this.registry = options.registry;
    this.invitations = options.invitations;
    this.continuity = options.continuity;
    this.continuity.onCopied = ({ operator, attachment }) =>
      this.#tryRecordOperator(operator, "token copied", `a used continuity token of attachment ${attachment} came back`);
    this.keyUses = options.keyUses ?? KeyUses.open(null);
    this.refusals = new Refusals(options.ports);
    this.#rights = new Rights(
      options.registry,
      options.ports,
      (session) => this.#parents.get(session) ?? "",
      (what) => this.refusals.tell(what),
    );
    this.policy = options.policy ?? PolicyStore.open(null);
    this.gate = new Gate(this);
    this.version = options.version;
    this.#maxSessions = options.maxSessions;
    this.home = options.home;
    this.journalFolder = options.journalFolder;
    this.auditPublicKey = options.auditPublicKey;
    this.shimBinary = options.shimBinary;
    this.startedAtUnixMs = options.startedAtUnixMs;
    this.linkCount = () => options.linkCount();
    this.#lacking = () => options.lacking?.() ?? null;
    this.onDown = options.onDown;
  }

  get limits(): Record<string, string> {
    return {
      sessions: String(this.#maxSessions),
      inputQueueBytes: String(limits.inputQueueBytes),
      behindBytes: String(limits.behindBytes),
    };
  }

  environmentPath(session: string): string {
    return this.#opener.files.environmentPath(session);
  }

  /** Where the session's stable agent path leads from now on. */
  pointAgent(session: LiveSession, target: string, by: string): string {
    if (session.facts.agentPath === "")
      throw new HoldError(
        "unsupported",
        `session ${session.facts.name} (${session.id}) was opened without a stable agent path, and a running program's environment can't be changed; open one with: hold new --agent-forward`,
      );
    if (session.isOver)
      throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended`, { session: session.id });
    this.#opener.files.pointAgent(session.id, target);
    session.agentBy = by;
    return session.facts.agentPath;
  }

  get sessions(): ReadonlyMap<string, LiveSession> {
    return this.#sessions;
  }

  get bootId(): string {
    return this.#opener.bootId;
  }

  // --- taking up ---

  /** A1. Resolves when every session is live again or known to be lost. */
  async adopt(pid: number): Promise<{ readonly adopted: number; readonly lost: number }> {
    this.record(
      { id: "system:host", via: "host" },
      { case: "hostStarted", value: create(EventBody_HostStartedSchema, { version: this.version, pid, bootId: this.bootId }) },
    );
    let adopted = 0;
    let lost = 0;
    const waiting: Promise<void>[] = [];
    for (const tail of this.ports.journal.tails()) {
      if (tail.session === HOST_SESSION) continue;
      const session = this.#recall(tail.session);
      if (!session) continue;
      if (session.isOver) {
        this.#followUp(session);
        continue;
      }
      waiting.push(
        this.#takeUp(session).then((alive) => {
          if (alive) adopted++;
          else lost++;
        }),
      );
    }
    await Promise.all(waiting);
    for (const operator of this.registry.list()) this.keepGuest(operator);
    this.#shed();
    return { adopted, lost };
  }

  /** A record of the host itself, in a session of its own that no operator can open. */
  record(by: Actor, body: Body): void {
    const { clock, journal } = this.ports;
    journal.append({
      session: HOST_SESSION,
      kind: kindOf(body),
      actor: by.id,
      via: by.via,
      meta: encodeBody(body),
      wallMs: clock.wallMs(),
      monoNs: clock.monoNs(),
    });
  }

  /** The session as its books have it. Null for one that was removed. */
  #recall(id: string): LiveSession | null {
    const recalled = recall(id, this.ports, (operator) => this.registry.byName(operator));
    if (!recalled) return null;
    const { past, parent } = recalled;
    if (parent !== "") this.#parents.set(id, parent);
    const session = this.#enter(new LiveSession(id, this.ports, past));
    const holder = past.facts.holder ? this.registry.byName(past.facts.holder) : null;
    if (holder && !holder.revoked) session.restoreFloor(operatorOf(holder));
    this.#saved.set(id, past.facts.seq);
    return session;
  }

  async #takeUp(session: LiveSession): Promise<boolean> {
    const { facts } = session;
    if (facts.bootId !== "" && facts.bootId !== this.bootId) {
      session.ended(SessionState.LOST, "reboot: the machine restarted, and processes do not survive that");
      return false;
    }
    this.#keepTtl(session);
    this.gate.restarted(session);
    const linking = this.#link(session);
    try {
      // One shim that can't be linked to yet keeps the host from serving no other.
      await Promise.race([
        linking,
        new Promise<void>((resolve) => this.ports.wakeAt(MonotonicMs(this.ports.clock.monoMs() + LINK_WAIT_MS), resolve)),
      ]);
      linking.catch((fault: unknown) => this.#lost(session, fault));
      return true;
    } catch (fault) {
      this.#lost(session, fault);
      return false;
    }
  }

  #lost(session: LiveSession, fault: unknown): void {
    const opening = session.facts.state === "opening";
    session.ended(
      opening ? SessionState.FAILED : SessionState.LOST,
      opening
        ? "the host died before the program was started"
        : `shim: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  }

  /** A session that has ended may have children that print yet, or a shim that was never let go of: both are in the shim. */
  #followUp(session: LiveSession): void {
    const { state, bootId, socketPath } = session.facts;
    if (state !== "ended" || bootId !== this.bootId || !(this.#opener.hasShim ?? existsSync)(socketPath)) return;
    started(session, this.bootId)
      .then(() => this.#watchShim(session))
      .catch((fault: unknown) => this.ports.log(`session ${session.id} has ended, and its shim is gone: ${String(fault)}`));
  }

  /** A shim that dies takes its session with it, and that alone; a newer host takes all. */
  #watchShim(session: LiveSession): void {
    session.onShimEnd = (reason, detail) => {
      if (reason === "fenced") {
        this.ports.log(`another host has taken session ${session.id}: this one leaves`);
        this.onFenced?.();
        return;
      }
      this.#link(session).catch(() => session.ended(SessionState.LOST, `the shim died (${detail || reason})`));
    };
  }

  /**
   * Links to a shim and goes on watching it. Only a socket that is gone, or that nobody listens on, says that the shim is:
   * anything else is tried again. No descriptor may be free; and a shim that was kept from running, or a host that was, finds
   * the links of dead hosts in a new one's place, or its HELLO five seconds late, and closes a link that it would have taken.
   */
  async #link(session: LiveSession): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await started(session, this.bootId, () => this.#watchShim(session));
        return this.#watchShim(session);
      } catch (fault) {
        const { reason, detail } = fault instanceof HoldError ? fault.details : {};
        const why = detail ?? String(fault);
        const isUndecided = reason === undefined ? /\bE(MFILE|NFILE)\b/.test(why) : reason === "gone" && !GONE.test(why);
        if (attempt >= LINK_ATTEMPTS || !isUndecided) throw fault;
        this.ports.log(`session ${session.id}: its shim can't be linked to yet: ${why}`);
        await new Promise<void>(
          (resolve) => void this.ports.wakeAt(MonotonicMs(this.ports.clock.monoMs() + LINK_WAIT_MS), resolve),
        );
      }
    }
  }
  onFenced: (() => void) | null = null;

  #enter(session: LiveSession): LiveSession {
    this.#sessions.set(session.id, session);
    session.operatorFor = (id) => {
      const known = this.registry.byName(id);
      return known && operatorOf(known);
    };
    session.onOver = () => {
      this.save(session);
      // A shim that is still linked is let go of by its session; one that ended well removes its socket.
      this.#opener.files.forget(session.id, session.facts.state !== "ended" && session.shimLink === null);
      this.#shed();
    };
    session.gate = (by, via, frame) => this.gate.typed(session, by, via, frame);
    session.listen((_entry, body) => this.gate.heard(session, body));
    let unsavedBytes = 0;
    session.listen((entry) => {
      unsavedBytes += entry.payloadBytes;
      if (entry.seq - (this.#saved.get(session.id) ?? 0) < SAVE_EVERY && unsavedBytes < SAVE_BYTES) return;
      unsavedBytes = 0;
      this.ports.defer(() => this.save(session));
    });
    return session;
  }

  /** P3: a script that runs thousands of commands costs no memory for each. */
  #shed(): void {
    const over = [...this.#sessions.values()].filter(
      (s) => s.isOver && this.parentOf(s) !== "" && s.attachments.size === 0 && s.shimLink === null,
    );
    if (over.length <= KEPT_COMMANDS) return;
    over.sort((a, b) => a.facts.lastActivityAt - b.facts.lastActivityAt);
    for (const session of over.slice(0, over.length - KEPT_COMMANDS)) {
      this.save(session);
      session.leave();
      this.#forget(session);
    }
  }

  /** One that was shed: by its whole id. */
  #unshed(id: string): LiveSession | null {
    return id.length === ID_CHARS && this.ports.journal.tail(id) ? this.#recall(id) : null;
  }

  /** Saves a session's fold and lets retention do its work. */
  save(session: LiveSession): void {
    if (this.#saved.get(session.id) === session.facts.seq || this.ports.journal.frozen) return;
    this.#saved.set(session.id, session.facts.seq);
    this.ports.journal.saveFold(
      session.id,
      session.facts.seq,
      Buffer.from(JSON.stringify({ ...session.saved(), parent: this.parentOf(session) })),
    );
    this.#prune(session);
  }

  #prune(session: LiveSession): void {
    const keepFrom = Math.max(1, session.facts.kind === "pty" ? session.screen.checkpointSeq : session.facts.seq);
    this.ports.journal.prune(session.id, Math.max(1, Math.min(keepFrom, slowest(session))), keepFrom);
  }

  /**
   * Lets the journal drop the records that age and bytes have given up. A session that lives is not dropped with them: its books and
   * screen are saved, and where nothing else of it would be left, a new record carries it on. One that has ended was kept for long enough.
   */
  makeRoom(): void {
    const { journal, checkpoints, log } = this.ports;
    for (const { session: id, isWhole } of journal.pruneRecords()) {
      const session = this.#sessions.get(id);
      if (isWhole && (!session || session.isOver)) {
        if (session) this.#leaveFor(session, "retention");
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
  readonly #renewing = new Set<string>();

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

  // --- opening and finding ---

  async open(request: OpenRequest, by: Actor): Promise<LiveSession> {
    const live = [...this.#sessions.values()].filter((s) => !s.isOver);
    if (live.length >= this.#maxSessions)
      throw new HoldError(
        "too_many",
        `${live.length} sessions live here, the most that ${"limits.sessions"} allows; end one, or raise it in config.toml`,
      );
    const lack = this.#lacking();
    if (lack) throw lack;
    if (this.ports.journal.frozen)
      throw new HoldError(
        "journal_frozen",
        `the journal can't be written (${this.ports.journal.frozen.message}): no new session; free some space, hold doctor tells more`,
      );
    if (request.name !== "") this.checkName(request.name, null);
    const name = request.name || this.freeName(request);
    const session = this.#enter(new LiveSession(this.#freeId(live), this.ports, null));
    if (request.parent) this.#parents.set(session.id, request.parent);
    try {
      await openSession(session, { ...request, name }, this.#opener, by);
    } catch (fault) {
      // What could not be recorded is no session; what failed to start is one, with the reason in its record.
      if (session.facts.createdAt === 0) this.#forget(session);
      else if (!session.isOver) this.#watchShim(session);
      throw fault;
    }
    this.#watchShim(session);
    this.#keepTtl(session);
    return session;
  }

  /** Throws where a session may not be called this now (A2). `of`: the session that is renamed. */
  checkName(name: string, of: LiveSession | null): void {
    if (!NAME.test(name))
      throw new HoldError(
        "bad_request",
        `session name ${JSON.stringify(name.slice(0, SHOWN_NAME_CHARS))}: letters, digits, dot, dash and underscore, 64 at most, a letter or digit first`,
      );
    const other = [...this.#sessions.values()].find((s) => s !== of && !s.isOver && s.facts.name === name);
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
    return this.#sessions.has(text) || (text.length === ID_CHARS && this.ports.journal.tail(text) !== null);
  }

  #freeId(live: readonly LiveSession[]): string {
    for (;;) {
      const id = this.ports.newId(ID_CHARS);
      if (!live.some((s) => s.facts.name === id)) return id;
    }
  }

  /** What a session is called that nobody has named. */
  freeName(request: Pick<OpenRequest, "command" | "shell">): string {
    const live = [...this.#sessions.values()].filter((s) => !s.isOver);
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
    return [...this.#sessions.values()].find((s) => !s.isOver && s.facts.name === name) ?? null;
  }

  /** By id, live name, ended name (the latest) or unique prefix of an id. */
  find(text: string): LiveSession {
    if (text === "" || text.length > limits.nameBytes)
      throw new HoldError(
        "bad_request",
        `which session? an id, a unique prefix of one, or a name of ${limits.nameBytes} characters at most; hold ls shows them`,
      );
    const known = this.#sessions.get(text);
    if (known) return known;
    const all = [...this.#sessions.values()];
    const named = all.filter((s) => s.facts.name === text);
    const live = named.find((s) => !s.isOver);
    if (live) return live;
    const shed = this.#unshed(text);
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

  shown(session: LiveSession): Session {
    return sessionOnWire(
      session.facts,
      floorOnWire(session.floor, this.ports.clock),
      session.presence(),
      this.#parents.get(session.id) ?? "",
      session.commands.state.cwd ?? session.facts.cwd,
    );
  }

  parentOf(session: LiveSession): string {
    return this.#parents.get(session.id) ?? "";
  }

  /** Forgets an ended session; its records stay for the audit. */
  remove(session: LiveSession, by: Actor): void {
    if (!session.isOver)
      throw new HoldError(
        "session_running",
        `session ${session.facts.name} (${session.id}) lives; end it first with: hold kill ${session.facts.name}`,
        { session: session.id },
      );
    session.record(by, { case: "removed", value: {} as never });
    this.#leaveFor(session, "removed");
    this.ports.journal.remove(session.id);
    this.ports.checkpoints.remove(session.id);
  }

  #leaveFor(session: LiveSession, reason: string): void {
    for (const a of [...session.attachments.values()]) {
      a.channel.send({ case: "detached", value: { reason } });
      session.detach(a.id, reason);
    }
    session.leave();
    this.#forget(session);
  }

  #forget(session: LiveSession): void {
    this.#sessions.delete(session.id);
    this.#saved.delete(session.id);
    this.#parents.delete(session.id);
  }

  /** Policies that the session was opened with; none by default. */
  #keepTtl(session: LiveSession): void {
    const { clock, log, wakeAt } = this.ports;
    const now = (): { wallMs: number; monoMs: number } => ({ wallMs: clock.wallMs(), monoMs: clock.monoMs() });
    let life = lifetime.begin(session.facts, now());
    if (!life) return;
    const look = (): void => {
      if (session.isOver || !life || !this.#sessions.has(session.id)) return;
      const at = now();
      life = lifetime.look(life, session.facts, at);
      const left = lifetime.left(life, session.facts, at.monoMs);
      try {
        if (left.ms <= 0) session.kill(5_000, { id: "system:policy", via: left.by });
      } catch (fault) {
        // Being taken up, or not to be recorded now: its time is over a little later.
        if (!(fault instanceof HoldError) && !isJournalFault(fault)) throw fault;
        log(`session ${session.id} outlives its ${left.by}: ${String(fault)}`);
      }
      wakeAt(MonotonicMs(at.monoMs + (left.ms <= 0 ? 10_000 : Math.min(left.ms, 3_600_000))), look);
    };
    look();
  }

  // --- rights ---

  /** Throws where this operator lacks the right; see {@link Rights.demand}. */
  demand(operator: RegisteredOperator, capability: Capability, session: string | null): void {
    this.#rights.demand(operator, capability, session);
  }

  /** Whether {@link demand} would let it pass. */
  may(operator: RegisteredOperator, capability: Capability, session: string | null): boolean {
    return this.#rights.may(operator, capability, session);
  }

  /** The session that this operator means: of one who is confined only theirs is ever found, whatever else there is. */
  findFor(operator: RegisteredOperator, text: string): LiveSession {
    const confine = confineOf(operator);
    if (confine === null) return this.find(text);
    const theirs = this.#sessions.get(confine);
    const session = theirs && text !== "" && theirs.facts.name === text ? theirs : this.#sessions.get(text);
    if (session && this.#rights.isWithin(confine, session.id)) return session;
    throw new HoldError("no_such_session", `no session ${JSON.stringify(text.slice(0, SHOWN_NAME_CHARS))} for ${operator.name}`);
  }

  /** A guest whose time is over is out as one who was revoked. */
  keepGuest(operator: RegisteredOperator): void {
    this.#rights.keepGuest(operator, (guest) => this.revoke(guest, { id: "system:policy", via: "guest" }));
  }

  recordOperator(by: Actor, operator: string, change: string, detail: string): void {
    this.record(by, {
      case: "operatorChanged",
      value: create(EventBody_OperatorChangedSchema, { operator, change, detail }),
    });
  }

  /** Of what the host itself has noticed: nobody waits for it. */
  #tryRecordOperator(operator: string, change: string, detail: string): void {
    this.ports.log(`operator ${operator}: ${change}: ${detail}`);
    try {
      this.recordOperator({ id: "system:host", via: "host" }, operator, change, detail);
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
    }
  }

  /** Out at once: input, floor, attachments and links; and with them the AIs that act for them (registry O9). */
  revoke(operator: RegisteredOperator, by: Actor): void {
    const { tried, unrecorded } = despiteTheJournal();
    for (const out of this.registry.revoke(operator.id)) this.#putOut(out, by, tried);
    if (unrecorded()) throw cantRecord(`operator ${operator.name} is revoked`, operator, unrecorded());
  }

  #putOut(operator: RegisteredOperator, by: Actor, tried: (run: () => void) => void): void {
    this.continuity.revoked(operator.id);
    // Views and links end first: whatever the journal can take, a revoked operator sees and types no more.
    for (const session of this.#sessions.values()) {
      if (!session.isOver) tried(() => session.revoke(operator.id, by));
      if (session.agentBy === operator.id) this.#opener.files.forgetAgent(session.id);
      for (const a of [...session.attachments.values()].filter((x) => x.operator.id === operator.id)) {
        a.channel.send({
          case: "detached",
          value: { reason: "revoked", error: { code: "revoked", message: `operator ${operator.name} was revoked`, details: {} } },
        });
        session.detach(a.id, "revoked");
      }
    }
    for (const told of [...this.#revocations]) told(operator.id);
    tried(() => this.gate.revoked(operator.id));
    this.#withdraw(operator.id);
    tried(() => this.recordOperator(by, operator.id, "revoked", ""));
  }

  onRevoked(told: (operator: string) => void): () => void {
    this.#revocations.add(told);
    return () => this.#revocations.delete(told);
  }

  /**
   * One key of an operator is out at once, and their others stay. What they typed and no program has read is dropped, by whichever key: the
   * journal knows who, and no key.
   */
  revokeKey(operator: RegisteredOperator, key: string, by: Actor): void {
    const { keyId } = this.registry.revokeKey(operator.id, key, this.ports.clock.wallMs());
    this.continuity.revoked(operator.id, keyId.toString("hex"));
    for (const told of [...this.#keyRevocations]) told(operator.id, keyId);
    const error = new HoldError("key_revoked", `a key of ${operator.name} was revoked, and what was not written yet is dropped`, {
      operator: operator.id,
    });
    const { tried, unrecorded } = despiteTheJournal();
    tried(() => this.gate.revoked(operator.id));
    for (const session of this.#sessions.values()) if (!session.isOver) tried(() => session.drop(operator.id, error));
    this.#withdraw(operator.id);
    tried(() => this.recordOperator(by, operator.id, "key_revoked", keyId.toString("hex")));
    if (unrecorded()) throw cantRecord(`a key of ${operator.name} is revoked`, operator, unrecorded());
  }

  /** A disk that is full keeps nobody in: a revoked operator's invitations are refused anyway (call/invitations.ts). */
  #withdraw(operator: string): void {
    try {
      this.invitations.withdraw(operator);
    } catch (fault) {
      this.ports.log(`invitations of ${operator} stay open: ${String(fault)}`);
    }
  }

  onKeyRevoked(told: (operator: string, keyId: Uint8Array) => void): () => void {
    this.#keyRevocations.add(told);
    return () => this.#keyRevocations.delete(told);
  }

  /** Lets go of every shim; nothing ends. */
  leave(): void {
    this.keyUses.save();
    for (const session of this.#sessions.values()) {
      session.leave();
      this.save(session);
    }
  }
}

/** For what must be done though it can't be recorded: `unrecorded` is why the last of it was not, if so. */
function despiteTheJournal(): { tried(run: () => void): void; unrecorded(): unknown } {
  let why: unknown = null;
  return {
    tried(run) {
      try {
        run();
      } catch (fault) {
        if (!isJournalFault(fault)) throw fault;
        why = fault;
      }
    },
    unrecorded: () => why,
  };
}

function cantRecord(what: string, { id }: RegisteredOperator, cause: unknown): HoldError {
  return new HoldError(
    "journal_frozen",
    `${what}, and that can't be recorded now (${String(cause)}); free some space, hold doctor tells more`,
    { operator: id },
    { cause },
  );
}

/** The furthest behind of those who read the journal at their own pace. */
function slowest(session: LiveSession): number {
  let seq = session.facts.seq as number;
  for (const a of session.attachments.values()) seq = Math.min(seq, a.reader.cursor + 1);
  return seq;
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
