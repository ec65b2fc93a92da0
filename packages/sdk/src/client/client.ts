/** The SDK's {@link HostClient} over a {@link Connection}. */
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
  PolicyVerb,
  textOf,
  type Floor,
  type WhoamiAnswer,
} from "@holdfast/protocol";
import type {
  Approvals,
  AttachHandlers,
  AttachOptions,
  Attachment,
  ExecOptions,
  ExecResult,
  Files,
  GrantSpec,
  HostClient,
  InputOutcome,
  Invited,
  InviteSpec,
  OpenSpec,
  PolicyInForce,
  RunOptions,
  RunResult,
  ScreenOptions,
  SendOptions,
  Sessions,
  WaitSpec,
} from "../api/index.ts";
import { ClientAttachment, type Redial } from "./attachment.ts";
import { approvalsOf } from "./approvals.ts";
import type { CallVerb, Connection, Result } from "./connection.ts";
import { sessionsOf } from "../session.ts";
import { filesOf } from "./files.ts";
import { signGrant } from "./grant.ts";
import { errorFrom } from "./handshake.ts";
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
/** Between asking a command of `exec` to end and forcing it. */
const EXEC_GRACE_MS = 2_000;
/** How long what such a command printed last is waited for: its reader may be one that takes nothing. */
const EXEC_LAST_MS = 1_000;

export class Client implements HostClient {
  readonly #connection: Connection;
  readonly #redial: Redial;
  readonly #surroundings: Surroundings;
  readonly operator: WhoamiAnswer;

  constructor(connection: Connection, redial: Redial, surroundings: Surroundings) {
    this.#connection = connection;
    this.#redial = redial;
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
    return this.#connection.isOver;
  }

  get hostVersion(): string {
    return this.#connection.hostVersion;
  }

  async open(spec: OpenSpec): Promise<{ session: import("@holdfast/protocol").Session; existed: boolean }> {
    const here = this.#surroundings;
    const command = spec.command ?? [];
    const cwd = spec.cwd ?? here.cwd;
    const { value } = await this.#call("open", {
      case: "open",
      value: {
        name: spec.name ?? "",
        kind: spec.kind === "pipes" ? SessionKind.PIPES : SessionKind.PTY,
        command: [...command],
        shell: spec.shell ?? here.shell,
        env: envOnWire(spec.env ?? here.env),
        cwd,
        ...([cwd, ...command].some(isOdd) ? { exactCommand: command.map(bytesOf), exactCwd: bytesOf(cwd) } : {}),
        umask: here.umask,
        nofileSoft: BigInt(here.nofile?.soft ?? 0),
        nofileHard: BigInt(here.nofile?.hard ?? 0),
        floorMode: spec.floor === "open" ? FloorMode.OPEN : FloorMode.TURN,
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
    const attachment = await ClientAttachment.open(this.#connection, this.#redial, options, handlers);
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
    const writer = this.#redial.newId();
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
        value: { session, writer, input, take: (options.take ?? false) && at === 0 },
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

  async run(
    session: string,
    command: { text?: string; words?: readonly string[] },
    options: RunOptions = {},
  ): Promise<RunResult> {
    const { value: r } = await this.#call(
      "run",
      {
        case: "run",
        value: {
          session,
          text: command.text ?? "",
          words: [...(command.words ?? [])],
          ...(options.timeoutMs === undefined ? {} : { timeoutMs: BigInt(options.timeoutMs) }),
          take: options.take ?? false,
          maxBytes: BigInt(options.maxBytes ?? 0),
          writer: this.#redial.newId(),
          n: 1n,
        },
      },
      {
        signal: options.signal,
        more: (part) => (part.case === "run" && part.value.output.length > 0 ? options.output?.(part.value.output) : undefined),
      },
    );
    return {
      state: r.state as RunResult["state"],
      code: r.code ?? null,
      fromOffset: Number(r.fromOffset),
      toOffset: Number(r.toOffset),
      omittedBytes: Number(r.omittedBytes),
      seq: Number(r.seq),
    };
  }

  async exec(session: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const value = {
      session,
      argv: [...argv],
      ...(argv.some(isOdd) ? { exactArgv: argv.map(bytesOf) } : {}),
      stdin: options.stdin !== null && options.stdin !== undefined,
      umask: this.#surroundings.umask,
    };
    // Before it has started there is nothing to go on: a person may be asked about it.
    const givenUp = [options.leave, options.signal, options.end].filter((s) => s !== undefined);
    const { value: answer } = await this.#call("exec", { case: "exec", value }, { signal: AbortSignal.any(givenUp) });
    const child = answer.session!;
    options.started?.(child.id);
    let ended!: () => void;
    let failed!: (e: unknown) => void;
    const over = new Promise<void>((resolve, reject) => {
      ended = resolve;
      failed = reject;
    });
    // It may fail while attaching still waits.
    over.catch(() => {});
    const done = new AbortController();
    let exited = false;
    const attachment = await this.attach(
      { session: child.id, mode: "replay", after: 0, quiet: true },
      {
        output: (o) => options.output?.(o.stream === 2 ? 2 : 1, o.bytes),
        event: (e) => {
          const kind = e.body?.kind.case;
          if (kind === "exited" || kind === "ended") {
            exited = true;
            ended();
          }
        },
        detached: (_reason, error) => {
          if (!exited)
            failed(new HoldError("unreachable", error?.message ?? "the link to the command ended; it goes on without us"));
        },
      },
    );
    let late: HoldError | null = null;
    const orderEnd = (): void =>
      void this.kill(child.id, EXEC_GRACE_MS)
        .catch((fault: unknown) => {
          if (fault instanceof HoldError && fault.code === "session_ended") return;
          throw new HoldError(
            late ? "timed_out" : "unreachable",
            `the command could not be ended (${fault instanceof Error ? fault.message : String(fault)}); end it with: hold kill ${child.id}`,
            { session: child.id },
            { cause: fault },
          );
        })
        .then(() => Promise.race([over, this.#redial.wait(EXEC_LAST_MS, done.signal).catch(() => {})]))
        .then(ended, failed);
    if (options.timeoutMs !== undefined) {
      const { timeoutMs } = options;
      this.#redial.wait(timeoutMs, done.signal).then(
        () => {
          late = new HoldError("timed_out", `the command took longer than ${timeoutMs / 1000} s and was ended`, {
            session: child.id,
          });
          orderEnd();
        },
        () => {},
      );
    }
    const interrupt = (): void => void this.signal(child.id, "tree", 2).catch(() => {});
    if (options.signal?.aborted) interrupt();
    options.signal?.addEventListener("abort", interrupt, { once: true });
    if (options.end?.aborted) orderEnd();
    options.end?.addEventListener("abort", orderEnd, { once: true });
    const leave = (): void => failed(new HoldError("cancelled", `nobody follows ${child.id} any more; it goes on`));
    if (options.leave?.aborted) leave();
    options.leave?.addEventListener("abort", leave, { once: true });
    void feed(attachment, options.stdin ?? null).catch(() => {});
    try {
      await over;
      if (late) throw late;
    } finally {
      done.abort();
      options.signal?.removeEventListener("abort", interrupt);
      options.end?.removeEventListener("abort", orderEnd);
      options.leave?.removeEventListener("abort", leave);
      await attachment.detach();
    }
    const { exit } = await this.show(child.id);
    return { session: child.id, exit: exit!, cwd: answer.cwd, environment: answer.environment };
  }

  async wait(session: string, spec: WaitSpec, signal?: AbortSignal) {
    const value = {
      session,
      exit: spec.exit ?? false,
      command: spec.command ?? false,
      match: spec.match ?? "",
      idleMs: BigInt(spec.idleMs ?? 0),
      inputNeeded: spec.inputNeeded ?? false,
      ...(spec.timeoutMs === undefined ? {} : { timeoutMs: BigInt(spec.timeoutMs) }),
      ...(spec.fromSeq === undefined ? {} : { fromSeq: BigInt(spec.fromSeq) }),
    };
    return (await this.#call("wait", { case: "wait", value }, { signal })).value;
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
    what: { seqs?: readonly number[]; from?: number; to?: number; reason?: string },
  ): Promise<number> {
    return (
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
    ).value.redacted;
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
    return this.#connection.onApprovals(told);
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

  async #policy(verb: PolicyVerb): Promise<PolicyInForce> {
    const { value: p } = await this.#call("policy", { case: "policy", value: { verb } });
    return {
      text: textOf(p.text),
      sha256: Array.from(p.sha256, (b) => b.toString(16).padStart(2, "0")).join(""),
      loadedUnixMs: Number(p.loadedUnixMs),
      loadedBy: p.loadedBy,
      path: p.path,
      file: p.file as PolicyInForce["file"],
    };
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

  async invite(spec: InviteSpec): Promise<Invited> {
    const { operator = "", kind = OperatorKind.HUMAN, role = "observer", session = "", name = "", onBehalfOf = "" } = spec;
    const times = { ttlMs: BigInt(spec.ttlMs ?? 0), redeemMs: BigInt(spec.redeemMs ?? 0) };
    const value = { operator, kind, role, session, name, onBehalfOf, ...times };
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
    const { credential } = this.#connection;
    if (!credential)
      throw new HoldError("unsupported", "this client has no key of its own to sign with; make the grant on the host's machine");
    const session = spec.session === undefined ? undefined : (await this.show(spec.session)).id;
    const from = {
      credential,
      operator: this.operator.operator!.id,
      hostId: this.#connection.hostId,
      nowUnixMs: Date.now(),
      id: this.#redial.newId(),
    };
    return signGrant(from, { ...spec, ...(session === undefined ? {} : { session }) });
  }

  async status() {
    return (await this.#call("hostStatus", { case: "hostStatus", value: {} })).value;
  }

  async down(force = false): Promise<void> {
    await this.#call("done", { case: "hostDown", value: { force } });
  }

  /** Points the session's stable agent path at `path`. */
  async agent(session: string, path: string): Promise<string> {
    return (await this.#call("agent", { case: "agent", value: { session, path } })).value.path;
  }

  close(): void {
    this.#connection.close();
  }

  async #call<K extends Result["case"]>(
    expected: K,
    verb: CallVerb,
    options: { signal?: AbortSignal | undefined; more?: (r: Result) => void | Promise<void> } = {},
  ): Promise<Extract<Result, { case: K }>> {
    const result = await this.#connection.call(verb, options);
    if (result.case !== expected) throw new HoldError("internal", `the host answered ${result.case} to ${verb.case}`);
    return result as Extract<Result, { case: K }>;
  }
}

async function feed(attachment: Attachment, stdin: AsyncIterable<Uint8Array> | Uint8Array | null): Promise<void> {
  if (stdin instanceof Uint8Array) {
    if (stdin.length > 0) await attachment.input(stdin);
  } else if (stdin) {
    for await (const bytes of stdin) if (bytes.length > 0) await attachment.input(bytes);
  }
  await attachment.input(new Uint8Array(0), { eof: true });
}

/** Nothing in a paste is a key: ESC and other controls are taken out, except tab and line ends. */
function pasteText(bytes: Uint8Array): Uint8Array {
  return bytes.filter((b) => (b >= 0x20 ? b !== 0x7f : b === 0x09 || b === 0x0a || b === 0x0d));
}
