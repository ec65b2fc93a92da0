/**
 * The host: every session of this user on this machine, and who may do what with them. It is fed by links (link/) and by
 * shims; it can be killed at any time, and the next one takes up where it was.
 *
 *   A1  At start, every session of the journal that had not ended is adopted, or found lost, before the host serves.
 *   A3  Nothing but a session's own end, an operator or the session's policy ends it.
 * Elsewhere: names (session/roster.ts, A2), shims (session/shim-watch.ts), what is kept (session/retention.ts), what no AI is shown
 * (session/learning.ts), who is out (operator/revocation.ts).
 */
import { MonotonicMs, type Capability } from "@holdfast/core";
import {
  create,
  EventBody_HostStartedSchema,
  EventBody_OperatorChangedSchema,
  HoldError,
  limits,
  type Init,
  type Session,
  type Surroundings,
} from "@holdfast/protocol";
import { KernelUploads } from "./call/kernel-uploads.ts";
import { kernelStarted } from "./kernel/launch.ts";
import { KernelRoom } from "./kernel/room.ts";
import { Gate } from "./approval/gate.ts";
import { Sight } from "./approval/sight.ts";
import type { Console } from "./console/console.ts";
import type { JupyterDoor } from "./jupyter/door.ts";
import type { Continuity } from "./operator/continuity.ts";
import type { Invitations } from "./operator/invitations.ts";
import { KeyUses } from "./operator/key-uses.ts";
import type { OidcIssuer } from "./operator/oidc.ts";
import type { OperatorRegistry, RegisteredOperator } from "./operator/registry.ts";
import { Refusals } from "./operator/refusals.ts";
import { Revocation } from "./operator/revocation.ts";
import { confineOf, Rights } from "./operator/rights.ts";
import { PolicyStore } from "./policy/store.ts";
import type { AuditReader } from "./audit/reader.ts";
import type { LoopLag } from "./loop-lag.ts";
import type { Mirror } from "./mirror/mirror.ts";
import type { Relays } from "./uplink/relays.ts";
import type { Actor } from "./session/book.ts";
import { Changes } from "./session/changes.ts";
import { floorOnWire, sessionOnWire } from "./session/on-wire.ts";
import * as lifetime from "./session/lifetime.ts";
import { openSession, type Opener, type OpenRequest } from "./session/open.ts";
import type { Forwarding } from "./settings.ts";
import type { SessionPorts } from "./session/ports.ts";
import { isJournalFault } from "./session/journal-fault.ts";
import { Learning } from "./session/learning.ts";
import { recall } from "./session/recall.ts";
import { encodeBody, kindOf, type Body } from "./session/record.ts";
import { Retention } from "./session/retention.ts";
import { Roster, SHOWN_NAME_CHARS } from "./session/roster.ts";
import type { Secrets } from "./session/secrets.ts";
import { LiveSession } from "./session/session.ts";
import type { HostWitness } from "./witness/witness.ts";
import { ShimWatch } from "./session/shim-watch.ts";
import { operatorOf } from "./session/steering.ts";

/** Session of the journal that holds the host's own records: starts, operators. */
export const HOST_SESSION = "host";

export interface HostOptions {
  readonly ports: SessionPorts;
  readonly opener: Opener;
  /** Whose record it is over, where it is no host but that (rights R5). */
  readonly recordOf?: RecordOf;
  readonly registry: OperatorRegistry;
  readonly invitations: Invitations;
  readonly continuity: Continuity;
  /** Default: kept in memory. */
  readonly keyUses?: KeyUses;
  /** What AIs may do. Default: what their roles let them. */
  readonly policy?: PolicyStore;
  readonly version: string;
  readonly maxSessions: number;
  /** Default: `ssh -L` alone. */
  readonly forwarding?: Forwarding;
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

/** The mirror that a record was read from. */
export interface RecordOf {
  /** Without credentials. */
  readonly url: string;
  readonly bucket: string;
  readonly asOfUnixMs: number;
}

export class Host {
  readonly ports: SessionPorts;
  /** Null for a host. */
  readonly recordOf: RecordOf | null;
  readonly registry: OperatorRegistry;
  readonly invitations: Invitations;
  readonly continuity: Continuity;
  readonly keyUses: KeyUses;
  /** Where people may log in, if an admin has said so. */
  oidc: OidcIssuer | null = null;
  readonly policy: PolicyStore;
  readonly gate: Gate;
  readonly sight: Sight;
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
  /** What changes in the list of sessions, and what runs in them as last looked at. */
  readonly changes: Changes;
  /** Who is led to ports of sessions (forward/forwards.ts P4). */
  readonly forwarding: Forwarding;
  /** That it dials, if it can. */
  relays: Relays | null = null;
  /** Hands out heads of its chain, if it can sign them. */
  witness: HostWitness | null = null;
  /** Of its record; null in a world that has none. */
  mirror: Mirror | null = null;
  /** Reads its record for who asks over a link; null in a world that has none. */
  audit: AuditReader | null = null;
  /** Of its loop; null in a world that has none. */
  lag: LoopLag | null = null;
  /** Its page; null in a world that has none. */
  console: Console | null = null;
  /** For clients of Jupyter; null in a world that has none. */
  jupyter: JupyterDoor | null = null;
  /** Of its SSH server, as in known_hosts; empty: there is none. */
  sshHostKey = "";
  /** What a session inherits that is opened from a machine or page of which nothing is to be inherited. */
  surroundings: Init<Surroundings> | undefined;
  readonly #opener: Opener;
  readonly #maxSessions: number;
  readonly #lacking: () => HoldError | null;
  readonly #roster: Roster;
  readonly #parents = new Map<string, string>();
  readonly refusals: Refusals;
  readonly #rights: Rights;
  readonly #revocation: Revocation;
  readonly #shims: ShimWatch;
  /** Of requests to kernels that are under way in parts. */
  readonly kernelUploads: KernelUploads;
  readonly #retention: Retention;
  readonly #learning: Learning;

  constructor(options: HostOptions) {
    this.ports = options.ports;
    this.#opener = options.opener;
    this.registry = options.registry;
    this.invitations = options.invitations;
    this.continuity = options.continuity;
    this.continuity.onCopied = ({ operator, attachment }) =>
      this.#tryRecordOperator(operator, "token copied", `a used continuity token of attachment ${attachment} came back`);
    this.keyUses = options.keyUses ?? KeyUses.open(null);
    this.recordOf = options.recordOf ?? null;
    this.refusals = new Refusals(options.ports);
    this.#rights = new Rights(
      options.registry,
      options.ports,
      (session) => this.#rootOf(session),
      (what) => this.refusals.tell(what),
      this.recordOf !== null,
    );
    this.policy = options.policy ?? PolicyStore.open(null);
    this.kernelUploads = new KernelUploads(options.ports);
    this.gate = new Gate(this);
    this.sight = new Sight(this);
    this.changes = new Changes(options.ports, () => this.sessions);
    this.version = options.version;
    this.#maxSessions = options.maxSessions;
    this.forwarding = options.forwarding ?? "ssh";
    this.home = options.home;
    this.journalFolder = options.journalFolder;
    this.auditPublicKey = options.auditPublicKey;
    this.shimBinary = options.shimBinary;
    this.startedAtUnixMs = options.startedAtUnixMs;
    this.linkCount = () => options.linkCount();
    this.#lacking = () => options.lacking?.() ?? null;
    this.onDown = options.onDown;
    this.#roster = new Roster(options.ports, (id) => {
      const session = this.#recall(id);
      if (session) this.#learning.guess([session]);
      return session;
    });
    this.#learning = new Learning({
      sessions: this.sessions,
      secretNames: () => this.policy.policy.secretNames,
      environmentPath: (session) => this.environmentPath(session),
    });
    this.#shims = new ShimWatch(options.ports, options.opener, () => this.onFenced?.());
    this.#retention = new Retention(options.ports, {
      sessions: this.sessions,
      parentOf: (session) => this.parentOf(session),
      forget: (session) => this.#forget(session),
      leaveFor: (session, reason) => this.#leaveFor(session, reason),
    });
    this.#revocation = new Revocation({
      ports: this.ports,
      registry: this.registry,
      continuity: this.continuity,
      invitations: this.invitations,
      gate: this.gate,
      sessions: this.sessions,
      recordOperator: (...change) => this.recordOperator(...change),
      forgetAgent: (session) => options.opener.files.forgetAgent(session),
    });
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
    return this.#roster.sessions;
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
        this.#shims.followUp(session);
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
    this.#learning.guess([...this.sessions.values()].filter((s) => s.isOver));
    for (const operator of this.registry.list()) this.keepGuest(operator);
    this.#retention.shed();
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
    const { past, parent, savedSeq, kernel } = recalled;
    if (parent !== "") this.#parents.set(id, parent);
    const session = new LiveSession(id, this.ports, past);
    if (past.facts.kernel !== "") session.kernel = new KernelRoom(session, this.ports, { saved: kernel, savedSeq });
    this.#enter(session, savedSeq);
    const holder = past.facts.holder ? this.registry.byName(past.facts.holder) : null;
    if (holder && !holder.revoked) session.restoreFloor(operatorOf(holder));
    if (!session.isOver && past.facts.bootId === this.bootId) this.#learning.learn(session);
    return session;
  }

  async #takeUp(session: LiveSession): Promise<boolean> {
    // A machine that has restarted since took the session with it.
    if (session.facts.bootId === "" || session.facts.bootId === this.bootId) {
      this.#keepTtl(session);
      this.gate.restarted(session);
    }
    return this.#shims.takeUp(session);
  }
  onFenced: (() => void) | null = null;

  /** `savedSeq`: where its saved fold stands; 0: there is none. */
  #enter(session: LiveSession, savedSeq: number): LiveSession {
    this.#roster.sessions.set(session.id, session);
    session.operatorFor = (id) => {
      const known = this.registry.byName(id);
      return known && operatorOf(known);
    };
    session.onOver = () => {
      this.witness?.soon();
      this.#retention.save(session);
      // A shim that is still linked is let go of by its session; one that ended well removes its socket.
      this.#opener.files.forget(session.id, session.facts.state !== "ended" && session.shimLink === null);
      this.#retention.shed();
    };
    this.#learning.begin(session);
    session.specAgain = () => this.#opener.files.specAgain(session.id);
    session.gate = (by, via, frame) => this.gate.typed(session, by, via, frame);
    session.listen((entry, body, payload) => session.kernel?.heard(entry, body, payload));
    session.listen((_entry, body) => this.gate.heard(session, body));
    session.listen((_entry, body) => this.sight.heard(body));
    session.listen((_entry, body) => this.changes.heard(session, body));
    this.#retention.begin(session, savedSeq);
    return session;
  }

  // --- opening and finding ---

  /** `id`: of its own; not given: one of chance. */
  async open(request: OpenRequest, by: Actor, id?: string): Promise<LiveSession> {
    const { length: live } = this.#roster.live();
    if (live >= this.#maxSessions)
      throw new HoldError(
        "too_many",
        `${live} sessions live here, the most that ${"limits.sessions"} allows; end one, or raise it in config.toml`,
      );
    const lack = this.#lacking();
    if (lack) throw lack;
    if (this.ports.journal.frozen)
      throw new HoldError(
        "journal_frozen",
        `the journal can't be written (${this.ports.journal.frozen.message}): no new session; free some space, hold doctor tells more`,
      );
    if (id !== undefined && !this.#roster.isFree(id))
      throw new HoldError("bad_request", "that request was another's; ask with a new one");
    if (request.name !== "") this.#roster.checkName(request.name, null);
    const name = request.name || this.#roster.freeName(request);
    const session = this.#enter(new LiveSession(id ?? this.#roster.freeId(), this.ports, null), 0);
    if (request.parent) this.#parents.set(session.id, request.parent);
    if (request.kernel) session.kernel = new KernelRoom(session, this.ports, null);
    try {
      await openSession(session, { ...request, name }, this.#opener, by);
    } catch (fault) {
      // What could not be recorded is no session; what failed to start is one, with the reason in its record.
      if (session.facts.createdAt === 0) this.#forget(session);
      else if (!session.isOver) this.#shims.watch(session);
      throw fault;
    }
    this.#shims.watch(session);
    this.#keepTtl(session);
    if (session.kernel)
      await kernelStarted(session, (ms, run) => this.ports.wakeAt(MonotonicMs(this.ports.clock.monoMs() + ms), run)).catch(
        (fault: unknown) => {
          // Its bridge is there, and has nothing to be a bridge to.
          if (!session.isOver) session.kill(0, { id: "system:host", via: "host" });
          throw fault;
        },
      );
    return session;
  }

  /** Throws where a session may not be called this now (A2). `of`: the session that is renamed. */
  checkName(name: string, of: LiveSession | null): void {
    this.#roster.checkName(name, of);
  }

  /** What a session is called that nobody has named. */
  freeName(request: Pick<OpenRequest, "command" | "shell">): string {
    return this.#roster.freeName(request);
  }

  /** The live session of this very name. */
  living(name: string): LiveSession | null {
    return this.#roster.living(name);
  }

  /** By its whole id alone. */
  withId(id: string): LiveSession | null {
    return this.#roster.withId(id);
  }

  /** By id, live name, ended name (the latest) or unique prefix of an id. */
  find(text: string): LiveSession {
    return this.#roster.find(text);
  }

  /** Another policy is in force. */
  policyLoaded(): void {
    this.gate.policyLoaded();
    this.sight.changed();
    this.changes.all();
    this.#learning.learnAll();
  }

  /** Drops what retention has given up. */
  makeRoom(): void {
    this.#retention.makeRoom();
  }

  shown(session: LiveSession): Session {
    return sessionOnWire(
      session.facts,
      floorOnWire(session.floor, this.ports.clock),
      session.presence(),
      this.parentOf(session),
      session.commands.state.cwd ?? session.facts.cwd,
      session.kernel?.state ?? null,
    );
  }

  /** Of a session by its id or name; null: there is none. */
  secretsOf(session: string): Secrets | null {
    try {
      return this.find(session).secrets;
    } catch {
      return null;
    }
  }

  /** The session that a command runs beside, which is no command itself; empty for one that is no such command. */
  parentOf(session: LiveSession): string {
    return this.#rootOf(session.id);
  }

  /** Records of before have commands beside commands. */
  #rootOf(id: string): string {
    let parent = this.#parents.get(id) ?? "";
    for (let above = this.#parents.get(parent); above; above = this.#parents.get(parent)) parent = above;
    return parent;
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
    this.#roster.sessions.delete(session.id);
    this.changes.gone(session.id);
    this.#retention.forget(session);
    this.#parents.delete(session.id);
  }

  /** Policies that the session was opened with; none by default. */
  #keepTtl(session: LiveSession): void {
    const { clock, log, wakeAt } = this.ports;
    const now = (): { wallMs: number; monoMs: number } => ({ wallMs: clock.wallMs(), monoMs: clock.monoMs() });
    let life = lifetime.begin(session.facts, now());
    if (!life) return;
    const look = (): void => {
      if (session.isOver || !life || !this.sessions.has(session.id)) return;
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
    const theirs = this.sessions.get(confine);
    const session = theirs && text !== "" && theirs.facts.name === text ? theirs : this.sessions.get(text);
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

  /** What they ask by that link, whether they attach or not, somebody on the way could have read or forged. */
  cameInPlain({ id }: RegisteredOperator, via: string): void {
    this.#tryRecordOperator(id, "came_in_plain", `${via}, through a relay that could read and forge it (e2e=false)`);
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
    this.#revocation.operator(operator, by);
  }

  revokeKey(operator: RegisteredOperator, key: string, by: Actor): void {
    this.#revocation.key(operator, key, by);
  }

  onRevoked(told: (operator: string) => void): () => void {
    return this.#revocation.onOperator(told);
  }

  onKeyRevoked(told: (operator: string, keyId: Uint8Array) => void): () => void {
    return this.#revocation.onKey(told);
  }

  /** Lets go of every shim; nothing ends. */
  leave(): void {
    this.keyUses.save();
    for (const session of this.sessions.values()) {
      session.leave();
      this.#retention.save(session);
    }
  }
}
