/** The SDK's {@link HostClient} over a {@link Line}. */
import {
  bytesOf,
  create,
  FloorMode,
  FloorVerb,
  HoldError,
  InputStatus,
  isOdd,
  OperatorKind,
  SessionKind,
  WhoamiAnswerSchema,
  type PolicyAnswer,
  PolicyVerb,
  textOf,
  type Floor,
  type MirrorStatus,
  type Uplink,
  type WhoamiAnswer,
} from "@holdfast/protocol";
import type {
  Approvals,
  Audit,
  AttachHandlers,
  AttachOptions,
  Attachment,
  ExecOptions,
  Files,
  GrantSpec,
  HostClient,
  Kernels,
  HostWitnessing,
  InputOutcome,
  Invited,
  InviteSpec,
  MirrorKey,
  MirrorTarget,
  OpenSpec,
  PolicyInForce,
  PolicyQuestion,
  PolicyTried,
  PortStream,
  RelayJoin,
  RunOptions,
  ScreenOptions,
  SendOptions,
  Sessions,
  WaitSpec,
} from "../api/index.ts";
import { ClientAttachment } from "./attachment.ts";
import { auditOf } from "./audit.ts";
import { approvalsOf } from "./approvals.ts";
import { type Asking, exec, run, wait } from "./commands.ts";
import type { CallVerb, Connection, Result } from "./connection.ts";
import { sessionsOf } from "../session.ts";
import { filesOf } from "./files.ts";
import { signGrant } from "./grant.ts";
import { errorFrom } from "./handshake.ts";
import { kernelsOf } from "./kernels.ts";
import { Line } from "./line.ts";
import { openPort } from "./port.ts";
import type { Redial } from "./redial.ts";
import { watchSessions } from "./session-list.ts";
import { Witness, witnessingOf } from "./witness.ts";
import { envOnWire, type Surroundings, surroundingsFrom } from "./surroundings.ts";

const verbs = {
  take: FloorVerb.TAKE,
  release: FloorVerb.RELEASE,
  pass: FloorVerb.PASS,
  ask: FloorVerb.ASK,
  ai_pause: FloorVerb.AI_PAUSE,
  ai_resume: FloorVerb.AI_RESUME,
} as const;
const CHUNK_BYTES = 32 * 1024;
export class Client implements HostClient {
  readonly #line: Line;
  readonly #redial: Redial;
  readonly #surroundings: Surroundings;
  readonly operator: WhoamiAnswer;

  readonly witness: HostWitnessing;

  constructor(connection: Connection, redial: Redial, surroundings: Surroundings, witness: Witness | null = null) {
    witness?.begin(connection);
    this.#redial = witness?.over(redial) ?? redial;
    this.#line = new Line(connection, this.#redial);
    this.witness = witnessingOf(
      witness ?? new Witness({ store: null, isSigned: () => false, hostIdOf: () => "", nowMs: () => redial.now() }),
      () => this.#line.standing(),
    );
    const { welcome } = connection;
    this.#surroundings = welcome.surroundings ? surroundingsFrom(welcome.surroundings) : surroundings;
    this.operator = create(WhoamiAnswerSchema, {
      operator: {
        id: welcome.operator,
        name: welcome.name,
        kind: welcome.kind,
        role: welcome.role,
        capabilities: welcome.capabilities,
      },
      hostId: connection.hostId,
      link: welcome.link,
    });
  }

  get sessions(): Sessions {
    return sessionsOf(this);
  }

  get isOver(): boolean {
    return this.#line.connection.isOver;
  }

  get hostVersion(): string {
    return this.#line.connection.hostVersion;
  }

  async open(spec: OpenSpec): Promise<{ session: import("@holdfast/protocol").Session; existed: boolean }> {
    const here = this.#surroundings;
    const command = spec.command ?? [];
    const cwd = spec.cwd ?? here.cwd;
    const { value } = await this.#call("open", {
      case: "open",
      value: {
        name: spec.name ?? "",
        kind: { pty: SessionKind.PTY, pipes: SessionKind.PIPES, kernel: SessionKind.KERNEL }[spec.kind ?? "pty"],
        kernel: spec.kernel ?? "",
        command: [...command],
        shell: spec.kind === "kernel" ? "" : (spec.shell ?? here.shell),
        env: envOnWire({ ...(spec.env ?? here.env), ...spec.addEnv }),
        cwd,
        ...([cwd, ...command].some(isOdd) ? { exactCommand: command.map(bytesOf), exactCwd: bytesOf(cwd) } : {}),
        umask: here.umask,
        nofileSoft: BigInt(here.nofile?.soft ?? 0),
        nofileHard: BigInt(here.nofile?.hard ?? 0),
        floorMode: (spec.floor ?? (spec.kind === "kernel" ? "open" : "turn")) === "open" ? FloorMode.OPEN : FloorMode.TURN,
        syncInput: spec.syncInput ?? false,
        group: spec.group ?? "",
        ttlMs: BigInt(spec.ttlMs ?? 0),
        idleTtlMs: BigInt(spec.idleTtlMs ?? 0),
        ...(spec.graceMs === undefined ? {} : { graceMs: BigInt(spec.graceMs) }),
        attachIfLives: spec.attachIfLives ?? false,
        noIntegration: spec.noIntegration ?? false,
        agentForward: spec.agentForward ?? false,
        ...(spec.size ? { size: spec.size } : {}),
        ...(spec.pinnedSize ? { pinned: spec.pinnedSize } : {}),
      },
    });
    const agentPath = (spec.env ?? here.env)["SSH_AUTH_SOCK"];
    if (spec.agentForward && agentPath && !value.existed) await this.#pointAgent(value.session!.id, agentPath);
    return { session: value.session!, existed: value.existed };
  }

  async list(options: { all?: boolean; group?: string } = {}) {
    return (await this.#call("list", { case: "list", value: { all: options.all ?? false, group: options.group ?? "" } })).value
      .sessions;
  }

  watchSessions(told: Parameters<HostClient["watchSessions"]>[0], options: Parameters<HostClient["watchSessions"]>[1] = {}) {
    return watchSessions((expects, verb, o) => this.#call(expects, verb, o), told, options);
  }

  async show(session: string) {
    return (await this.#call("session", { case: "show", value: { session } })).value;
  }

  async screen(session: string, options: ScreenOptions = {}) {
    return (
      await this.#call("screen", {
        case: "screen",
        value: { session, scrollback: options.scrollback ?? 0, vt: options.vt ?? false },
      })
    ).value;
  }

  async attach(options: AttachOptions, handlers: AttachHandlers): Promise<Attachment> {
    const attachment = await ClientAttachment.open(await this.#line.standing(), this.#redial, options, handlers);
    if (options.agentPath && !options.observe) await this.#pointAgent(attachment.session.id, options.agentPath);
    return attachment;
  }

  carry(attachment: Attachment): Promise<void> {
    if (!(attachment instanceof ClientAttachment))
      throw new HoldError("usage", "only an attachment that a client of this SDK made is carried on");
    return attachment.moveTo(this.#redial);
  }

  /** A convenience: without it the session is what it would have been. */
  async #pointAgent(session: string, path: string): Promise<void> {
    await this.agent(session, path).catch((fault: unknown) => {
      if (!(fault instanceof HoldError)) throw fault;
    });
  }

  async send(session: string, bytes: Uint8Array, options: SendOptions = {}): Promise<InputOutcome> {
    const writer = options.writer ?? this.#redial.newId();
    const text = options.paste ? pasteText(bytes) : bytes;
    let n = 0n;
    let last = null as InputOutcome | null;
    for (let at = 0; at === 0 || at < text.length; at += CHUNK_BYTES) {
      const data = text.subarray(at, at + CHUNK_BYTES);
      const whole = text.length <= CHUNK_BYTES;
      const input = {
        n: ++n,
        data,
        unit: whole ? "" : writer.slice(0, 8),
        unitEnd: at + CHUNK_BYTES >= text.length,
        interrupt: options.interrupt ?? false,
        eof: options.eof ?? false,
        durable: options.durable ?? false,
      };
      const { value: r } = await this.#call("send", {
        case: "send",
        value: { session, writer, input, take: (options.take ?? false) && at === 0, again: options.again ?? false },
      });
      last = {
        n: Number(r.n),
        seq: Number(r.seq),
        status: r.status,
        bytes: (last?.bytes ?? 0) + r.bytes,
        ...(r.error ? { code: r.error.code, message: r.error.message } : {}),
      };
      if (r.status !== InputStatus.APPLIED)
        throw r.error ? errorFrom(r.error) : new HoldError("input_void", `input ${r.seq} was not applied`);
    }
    return last!;
  }

  run(session: string, command: { readonly text?: string; readonly words?: readonly string[] }, options: RunOptions = {}) {
    return run(this.#asking, session, command, options);
  }

  exec(session: string, argv: readonly string[], options: ExecOptions = {}) {
    return exec(this.#asking, session, argv, { ...options, umask: this.#surroundings.umask });
  }

  get kernels(): Kernels {
    return kernelsOf(
      (expects, verb, options) => this.#call(expects, verb, options),
      () => this.#asking,
      () => this.#surroundings.env,
      (options, handlers) => this.attach(options, handlers),
    );
  }

  wait(session: string, spec: WaitSpec, signal?: AbortSignal) {
    return wait(this.#asking, session, spec, signal);
  }

  /** On the client's link while that stands; then these find links of their own, and wait longer for one. */
  get #asking(): Asking {
    return { connection: this.#line.connection, redial: this.#redial };
  }

  async floor(session: string, verb: keyof typeof verbs, to = ""): Promise<Floor> {
    return (await this.#call("floor", { case: "floor", value: { session, verb: verbs[verb], to } })).value;
  }

  async resize(session: string, size: { cols: number; rows: number } | null): Promise<void> {
    await this.#call("done", { case: "resize", value: { session, unpin: size === null, ...(size ? { size } : {}) } });
  }

  async signal(session: string, target: "leader" | "foreground" | "tree", signo: number): Promise<void> {
    await this.#call("done", { case: "signal", value: { session, target, signal: signo } });
  }

  async kill(session: string, graceMs = 5_000) {
    return (await this.#call("session", { case: "kill", value: { session, graceMs: BigInt(graceMs) } })).value;
  }

  async rename(session: string, name: string): Promise<void> {
    await this.#call("done", { case: "rename", value: { session, name } });
  }

  async remove(session: string, force = false): Promise<void> {
    await this.#call("done", { case: "remove", value: { session, force } });
  }

  async probe(session: string) {
    return (await this.#call("probe", { case: "probe", value: { session } })).value;
  }

  async search(session: string, text: string, options: { regex?: boolean; beforeOffset?: number; limit?: number } = {}) {
    return (
      await this.#call("search", {
        case: "search",
        value: {
          session,
          text,
          regex: options.regex ?? false,
          beforeOffset: BigInt(options.beforeOffset ?? 0),
          limit: options.limit ?? 0,
        },
      })
    ).value.hits;
  }

  async redact(
    session: string,
    what: {
      seqs?: readonly number[];
      from?: number;
      to?: number;
      reason?: string;
      mirrorPending?: (why: string) => void;
    },
  ): Promise<number> {
    const { redacted, mirrorPending } = (
      await this.#call("redact", {
        case: "redact",
        value: {
          session,
          seqs: (what.seqs ?? []).map(BigInt),
          fromSeq: BigInt(what.from ?? 0),
          toSeq: BigInt(what.to ?? 0),
          reason: what.reason ?? "",
        },
      })
    ).value;
    if (mirrorPending !== "") what.mirrorPending?.(mirrorPending);
    return redacted;
  }

  get audit(): Audit {
    return auditOf((expects, verb, options) => this.#call(expects, verb, options));
  }

  async log(
    told: (lines: readonly string[]) => void,
    { lines = 0, follow = false, signal }: NonNullable<Parameters<HostClient["log"]>[1]> = {},
  ): Promise<void> {
    const more = (r: Result): void => {
      if (r.case === "hostLog") told(r.value.lines);
    };
    try {
      more(await this.#call("hostLog", { case: "hostLog", value: { lines, follow } }, { signal, more }));
    } catch (fault) {
      if (!(fault instanceof HoldError && fault.code === "cancelled" && signal?.aborted)) throw fault;
    }
  }

  async auditHead(seal: boolean) {
    const { lsn, chain, signature, publicKey, folder } = (await this.#call("auditHead", { case: "auditHead", value: { seal } }))
      .value;
    return { lsn: Number(lsn), chain, signature, publicKey, folder };
  }

  async operatorAdd(o: {
    name: string;
    kind: import("@holdfast/protocol").OperatorKind;
    role: string;
    publicKey?: Uint8Array;
    onBehalfOf?: string;
    oidcSubject?: string;
    protected?: boolean;
  }) {
    const { publicKey = new Uint8Array(0), onBehalfOf = "", oidcSubject = "", protected: isProtected = false } = o;
    const value = { name: o.name, kind: o.kind, role: o.role, publicKey, onBehalfOf, oidcSubject, protected: isProtected };
    return (await this.#call("operatorAdd", { case: "operatorAdd", value })).value.operator!;
  }

  async operatorList() {
    return (await this.#call("operatorList", { case: "operatorList", value: {} })).value.operators;
  }

  get approvals(): Approvals {
    return approvalsOf((expects, verb, options) => this.#call(expects, verb, options));
  }

  onApprovals(told: (waiting: number, own: number) => void): () => void {
    return this.#line.onApprovals(told);
  }

  policy(): Promise<PolicyInForce> {
    return this.#policy(PolicyVerb.SHOW);
  }

  async policyCheck(text: string): Promise<readonly string[]> {
    const value = { verb: PolicyVerb.CHECK, text: bytesOf(text) };
    return (await this.#call("policy", { case: "policy", value })).value.problems;
  }

  policyReload(): Promise<PolicyInForce> {
    return this.#policy(PolicyVerb.RELOAD);
  }

  async policySave(text: string, { sha256, fileText }: Pick<PolicyInForce, "sha256" | "fileText">): Promise<PolicyInForce> {
    const file =
      fileText === null ? new ArrayBuffer(0) : await crypto.subtle.digest("SHA-256", Uint8Array.from(bytesOf(fileText)));
    const readSha256 = Uint8Array.from(sha256.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    const value = { text: bytesOf(text), readSha256, readFileSha256: new Uint8Array(file) };
    return shownPolicy((await this.#call("policy", { case: "policySave", value })).value);
  }

  async policyTry({ deed, text, session = "", group, command = "", operator = "" }: PolicyQuestion): Promise<PolicyTried> {
    const asked = typeof command === "string" ? { line: command } : { argv: command.map(bytesOf) };
    const there = session === "" || deed === "open" ? null : await this.#ifThere(session);
    const value = {
      ...{ deed, operator, ofSession: there?.name ?? session, group: group ?? there?.group ?? "", ...asked },
      ...(text === undefined ? {} : { text: bytesOf(text) }),
    };
    const { problems, ruling, because, isOpaque, lacks } = (await this.#call("policyTry", { case: "policyTry", value })).value;
    if (problems.length > 0) return { problems };
    return { problems: [], ruling: ruling as "allow" | "ask" | "deny", because, isOpaque, lacks: lacks || null };
  }

  async #ifThere(session: string): Promise<{ readonly name: string; readonly group: string } | null> {
    try {
      return await this.show(session);
    } catch (fault) {
      if (fault instanceof HoldError && fault.code === "no_such_session") return null;
      throw fault;
    }
  }

  async #policy(verb: PolicyVerb): Promise<PolicyInForce> {
    return shownPolicy((await this.#call("policy", { case: "policy", value: { verb } })).value);
  }

  async operatorRevoke(operator: string): Promise<void> {
    await this.#call("done", { case: "operatorRevoke", value: { operator } });
  }

  async keyAdd(operator: string, publicKey: Uint8Array, options: { protected?: boolean } = {}): Promise<void> {
    await this.#call("done", { case: "keyAdd", value: { operator, publicKey, protected: options.protected ?? false } });
  }

  async keyRevoke(operator: string, key: string): Promise<void> {
    await this.#call("done", { case: "keyRevoke", value: { operator, key } });
  }

  async operatorLink(operator: string, oidcSubject: string | null): Promise<void> {
    await this.#call("done", { case: "operatorLink", value: { operator, oidcSubject: oidcSubject ?? "" } });
  }

  files(session: string): Files {
    return filesOf(
      (expects, verb, options) => this.#call(expects, verb, options),
      session,
      () => this.#redial.newId(),
    );
  }

  async ports(session: string) {
    const { ports, reachable } = (await this.#call("portList", { case: "portList", value: { session } })).value;
    return { ports: ports.map(({ port, address, pid, program }) => ({ port, address, pid, program })), reachable };
  }

  async connectPort(session: string, port: number): Promise<PortStream> {
    return openPort(await this.#line.standing(), session, port);
  }

  async invite(spec: InviteSpec): Promise<Invited> {
    const { operator = "", kind = OperatorKind.HUMAN, role = "observer", session = "", name = "", onBehalfOf = "" } = spec;
    const times = { ttlMs: BigInt(spec.ttlMs ?? 0), redeemMs: BigInt(spec.redeemMs ?? 0) };
    const value = { operator, kind, role, session, name, onBehalfOf, plain: spec.plain ?? false, ...times };
    const { invitation, token, hostKey } = (await this.#call("invite", { case: "invite", value })).value;
    return { invitation: invitation!, token, hostKey };
  }

  async invitations() {
    return (await this.#call("invitationList", { case: "invitationList", value: {} })).value.invitations;
  }

  async invitationRevoke(invitation: string): Promise<void> {
    await this.#call("done", { case: "invitationRevoke", value: { invitation } });
  }

  async whoami() {
    return (await this.#call("whoami", { case: "whoami", value: {} })).value;
  }

  async grant(spec: GrantSpec = {}): Promise<string> {
    const { credential } = this.#line.connection;
    if (!credential)
      throw new HoldError("unsupported", "this client has no key of its own to sign with; make the grant on the host's machine");
    const session = spec.session === undefined ? undefined : (await this.show(spec.session)).id;
    const from = {
      credential,
      operator: this.operator.operator!.id,
      hostId: this.#line.connection.hostId,
      nowUnixMs: Date.now(),
      id: this.#redial.newId(),
    };
    return signGrant(from, { ...spec, ...(session === undefined ? {} : { session }) });
  }

  async status() {
    return (await this.#call("hostStatus", { case: "hostStatus", value: {} })).value;
  }

  async joinRelay({ url, token = new Uint8Array(0), name = "", ca = "", allowPlain = false }: RelayJoin): Promise<Uplink> {
    return (await this.#call("relayJoin", { case: "relayJoin", value: { url, token, name, ca, allowPlain } })).value;
  }

  async leaveRelay(url: string): Promise<void> {
    await this.#call("done", { case: "relayLeave", value: { url } });
  }

  async console(to: "open" | "off" = "open"): Promise<string | null> {
    const { url } = (await this.#call("console", { case: "console", value: { off: to === "off" } })).value;
    return url === "" ? null : url;
  }

  async mirror(to: MirrorTarget | "off" | "now"): Promise<MirrorStatus> {
    const value =
      typeof to === "string" ? { off: to === "off", now: to === "now" } : { bucket: "", creds: "", takeOver: false, ...to };
    return (await this.#call("mirror", { case: "mirror", value })).value;
  }

  async mirrorStatus(): Promise<MirrorStatus> {
    return (await this.#call("mirror", { case: "mirrorStatus", value: {} })).value;
  }

  async mirrorKey(): Promise<MirrorKey> {
    const { key, url, bucket } = (await this.#call("mirrorKey", { case: "mirrorKey", value: {} })).value;
    return { key, url, bucket };
  }

  async down(force = false): Promise<void> {
    await this.#call("done", { case: "hostDown", value: { force } });
  }

  /** Points the session's stable agent path at `path`. */
  async agent(session: string, path: string): Promise<string> {
    return (await this.#call("agent", { case: "agent", value: { session, path } })).value.path;
  }

  close(): void {
    this.#line.close();
  }

  async #call<K extends Result["case"]>(
    expected: K,
    verb: CallVerb,
    options?: Parameters<Connection["call"]>[1],
  ): Promise<Extract<Result, { case: K }>> {
    const result = await this.#line.call(verb, options);
    if (result.case !== expected) throw new HoldError("internal", `the host answered ${result.case} to ${verb.case}`);
    return result as Extract<Result, { case: K }>;
  }
}

/** Nothing in a paste is a key: ESC and other controls are taken out, except tab and line ends. */
function pasteText(bytes: Uint8Array): Uint8Array {
  return bytes.filter((b) => (b >= 0x20 ? b !== 0x7f : b === 0x09 || b === 0x0a || b === 0x0d));
}

function shownPolicy(p: PolicyAnswer): PolicyInForce {
  return {
    text: textOf(p.text),
    sha256: Array.from(p.sha256, (b) => b.toString(16).padStart(2, "0")).join(""),
    loadedUnixMs: Number(p.loadedUnixMs),
    loadedBy: p.loadedBy,
    path: p.path,
    file: p.file as PolicyInForce["file"],
    fileText: p.fileText === undefined ? null : textOf(p.fileText),
  };
}
