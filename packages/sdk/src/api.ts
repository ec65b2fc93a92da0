/**
 * What programs call. One {@link HostClient} is one link to one host; an {@link Attachment} is one operator's binding to one
 * session and outlives links: when the link drops it connects again, resumes after its cursor and sends what was not answered.
 * Every method that can be refused throws {@link HoldError} with a code of packages/protocol/src/code.ts.
 */
import type {
  Event,
  ExecAnswer,
  Exit,
  Floor,
  FloorMode,
  HostStatusAnswer,
  InputStatus,
  Invitation,
  OperatorInfo,
  OperatorKind,
  Presence,
  ProbeAnswer,
  ScreenAnswer,
  SearchAnswer_Hit,
  Session,
  Code,
  SessionKind,
  WaitAnswer,
  WhoamiAnswer,
} from "@holdfast/protocol";
import type { NetworkCarrier } from "./client/carriers.ts";

/** Asked for the passphrase of a key that one keeps; `attempt` from 1. Null gives up. */
export type AskPassphrase = (key: {
  readonly name: string;
  readonly path: string;
  readonly attempt: number;
}) => Promise<string | null>;

export interface ConnectOptions {
  /** Folder of this machine's state (see `homeFolder()` in sdk/node). */
  readonly home: string;
  /** Name of the credential (a key in `home/keys`); default: the machine user's. */
  readonly as?: string;
  /** Absent: a key that a passphrase keeps is not used. */
  readonly passphrase?: AskPassphrase;
  /** In place of a key: a grant that its operator has signed ({@link HostClient.grant}). The link ends with it. */
  readonly grant?: string;
  readonly via?: "cli" | "sdk" | "mcp" | "web" | "ssh";
  /** Shown in audit, e.g. `hold/0.1.0`. */
  readonly client?: string;
  /** Called when nothing answers on the socket; starts the host and returns when it serves. Absent: `unreachable` at once. */
  readonly startHost?: () => Promise<void>;
  /** How long to wait for a host that is starting. Default 10 s. */
  readonly timeoutMs?: number;
  /** Other ways to the same host, for the same operator: an attachment whose way is gone goes on over one of these. */
  readonly also?: readonly Reach[];
}

export interface ThroughOptions {
  /** Program and arguments; it speaks frames on its standard input and output, as `ssh box hold attach --carrier stdio` does. */
  readonly argv: readonly string[];
  /** The same for the links after the first, when nobody may be there to be asked for a passphrase. Default: `argv`. */
  readonly againArgv?: readonly string[];
  readonly via?: "cli" | "sdk" | "mcp" | "web" | "ssh";
  /** Shown in audit. */
  readonly client?: string;
  /** How long the first link may take, a person's answering included. Default 2 min. */
  readonly timeoutMs?: number;
}

/** What an AI asks a person for (docs/policy.md). Texts may hold any bytes (protocol/exact-text.ts); `shownExactly` is for `data`. */
export interface Approval {
  readonly id: string;
  /** Null: it is about no session yet. */
  readonly session: string | null;
  readonly sessionName: string;
  /** `run`, `exec`, `keys`, `signals`, `files.read`, `files.write`, `open`, `end`. */
  readonly deed: string;
  readonly actor: string;
  readonly actorName: string;
  readonly onBehalfOf: readonly string[];
  /** A list has the first two. */
  readonly state: "pending" | "allowed" | "denied" | "used" | "expired" | "void";
  /** Who decided. */
  readonly by: string;
  readonly reason: string;
  readonly askedUnixMs: number;
  readonly expiresUnixMs: number;
  readonly leftMs: number;
  /** In the host's words. */
  readonly what: string;
  /** Of `exec` and `open`. */
  readonly argv: readonly string[];
  /** The exact bytes that are typed, or the beginning of a file's new content. */
  readonly data: Uint8Array;
  /** Of all of it. */
  readonly dataBytes: number;
  readonly cwd: string;
  /** The file that the program is now; null: none was found, or it is not known. */
  readonly executable: string | null;
  /** Of `open`: K=V. */
  readonly env: readonly string[];
  readonly epoch: number;
  /** SHA-256 of everything that it is bound to. */
  readonly binding: Uint8Array;
  /** You may, with a credential that is protected. */
  readonly mayDecide: boolean;
}

/** What AIs have asked for and may still use: for whoever decides or audits all of it, for others their own and their AIs'. */
export interface Approvals {
  list(): Promise<readonly Approval[]>;
  /** Tells of all of them, now and after each change, until `signal` is aborted. */
  watch(told: (approvals: readonly Approval[]) => void, signal: AbortSignal): Promise<void>;
  /** Of a request as it was listed. Throws `not_permitted`, `not_protected`, `approval_void`, `approval_expired`, `no_such_approval`. */
  allow(approval: Approval): Promise<Approval>;
  deny(approval: Approval, reason?: string): Promise<Approval>;
}

/** What AIs may do here. */
export interface PolicyInForce {
  /** TOML; empty: none was ever loaded, and an AI may do what its role lets it. */
  readonly text: string;
  /** Hex. */
  readonly sha256: string;
  readonly loadedUnixMs: number;
  readonly loadedBy: string;
  /** Of the file, on the host's machine. */
  readonly path: string;
  /** The file against what is in force. */
  readonly file: "same" | "changed" | "new" | "gone" | "none";
}

export interface FileEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
  /** Bytes. */
  readonly size: number;
  readonly modifiedUnixMs: number;
  /** Permission bits. */
  readonly mode: number;
  /** Of a link: where it leads to. */
  readonly target?: string;
}

/** `renamed`: made, moved or removed. `missed`: more changed than this link could take, so look at all of it again. */
export interface FileChange {
  readonly path: string;
  readonly change: "watching" | "changed" | "renamed" | "missed";
}

export interface FileState {
  /** Absolute. */
  readonly path: string;
  /** Of the whole file, bytes. */
  readonly size: number;
  /** Of what is there now: 32 bytes. */
  readonly sha256: Uint8Array;
}

/**
 * Files beside the terminal. A path that is not absolute begins at the session's directory of now. Names may hold any bytes
 * (protocol/exact-text.ts). Reading and writing stand in the session's journal. Throws `no_such_file`, `file_changed`, `file_failed`.
 */
export interface Files {
  /** In the order of their names; `omitted`: how many more there are than 10,000. */
  list(path?: string): Promise<{ readonly path: string; readonly entries: readonly FileEntry[]; readonly omitted: number }>;
  /** `part` is given the bytes in order, and is waited for. */
  read(
    path: string,
    part: (bytes: Uint8Array) => void | Promise<void>,
    options?: { readonly offset?: number; readonly maxBytes?: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly path: string; readonly size: number; readonly modifiedUnixMs: number }>;
  hash(path: string): Promise<FileState>;
  /** Replaces the file whole, or not at all. `ifSha256`: only if that is what it has now; null: only if there is none. */
  write(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { readonly ifSha256?: Uint8Array | null; readonly mode?: number; readonly folders?: boolean },
  ): Promise<FileState>;
  /** Tells of changes until `signal` is aborted, beginning with `watching`. */
  watch(path: string, change: (c: FileChange) => void, signal: AbortSignal): Promise<void>;
}

/** A host that listens (`hold host up --listen`), with credentials and known hosts of a home. */
export interface NetworkOptions {
  /** `ws://127.0.0.1:7433` or `wss://box.example:7433`; with `http` and `https` for networks that break WebSockets. */
  readonly url: string;
  /** Tried in this order, whatever the address begins with: `["websocket", "http"]` where it is not known what the network lets through. */
  readonly carriers?: readonly NetworkCarrier[];
  /** Default: `homeFolder()`. */
  readonly home?: string;
  /** Name of the credential; default: the one that was made for that host (an invitation, a login), else the machine user's. */
  readonly as?: string;
  readonly passphrase?: AskPassphrase;
  /** As in {@link ConnectOptions.grant}. */
  readonly grant?: string;
  readonly via?: ConnectOptions["via"];
  /** Shown in audit. */
  readonly client?: string;
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** `first`: takes whoever answers at an address that the home's `known_hosts` does not have, and remembers it. An id: that host alone, whatever is known. Default: who is known. */
  readonly trust?: string;
  /** Certificates of authorities to trust for TLS in place of the system's, PEM. */
  readonly ca?: string;
  /** As in {@link ConnectOptions.also}. */
  readonly also?: readonly Reach[];
}

/** A host that listens for ssh (`hold host up --ssh`), through an ssh client: its key is who this is, its known_hosts which host is meant. */
export interface SshOptions {
  /** `[USER@]HOST[:PORT]`; USER does not matter. */
  readonly ssh: string;
  /** The ssh client, and what is put before the address: `["ssh", "-i", "key"]`. Default: `["ssh"]`. */
  readonly program?: readonly string[];
  /** Proves a credential of this home in place of the ssh key: what is to move to another carrier, or came from one, is bound to that. */
  readonly home?: string;
  readonly as?: string;
  readonly via?: NonNullable<ConnectOptions["via"]>;
  /** Shown in audit. */
  readonly client?: string;
  /** How long the first link may take, a person's answering included. Default 2 min. */
  readonly timeoutMs?: number;
  /** As in {@link ConnectOptions.also}. */
  readonly also?: readonly Reach[];
}

/** One way to a host. */
export type Reach = ConnectOptions | NetworkOptions | ThroughOptions | SshOptions;

/** Whom an invitation is for: another key of an operator (`operator`), a new operator, or with `session` a guest of that one alone. */
export interface InviteSpec {
  readonly operator?: string;
  /** Default human. */
  readonly kind?: OperatorKind;
  /** Default observer; a guest is an observer or an operator. */
  readonly role?: string;
  readonly session?: string;
  /** Of a new operator or a guest; default: as who takes it up wishes. */
  readonly name?: string;
  /** Of a new AI: the person whom it acts for. */
  readonly onBehalfOf?: string;
  /** Of a guest: how long, at most 30 days. */
  readonly ttlMs?: number;
  /** How long it can be taken up. Default, and at most: 10 min; for a guest `ttlMs`. */
  readonly redeemMs?: number;
}

export interface Invited {
  readonly invitation: Invitation;
  /** 32 bytes. */
  readonly token: Uint8Array;
  /** Raw public key of the host, which who takes it up checks the host against. */
  readonly hostKey: Uint8Array;
}

/** What a grant leaves of its operator's rights, and for how long. */
export interface GrantSpec {
  /** Default 10 min, at most 15. */
  readonly ttlMs?: number;
  /** One session alone. */
  readonly session?: string;
  /** These rights alone, of those that the operator has (`whoami` lists them). */
  readonly capabilities?: readonly string[];
}

export interface OpenSpec {
  readonly name?: string;
  readonly kind?: "pty" | "pipes";
  /** Empty or absent: `shell`, integrated. */
  readonly command?: readonly string[];
  readonly shell?: string;
  /** Complete environment; default: this process's, byte for byte. Like `command` and `cwd` it may hold any bytes: protocol/exact-text.ts. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly size?: { readonly cols: number; readonly rows: number };
  /** The size stays whatever the seat's terminal is. */
  readonly pinnedSize?: { readonly cols: number; readonly rows: number };
  readonly floor?: "turn" | "open";
  readonly syncInput?: boolean;
  readonly group?: string;
  readonly ttlMs?: number;
  readonly idleTtlMs?: number;
  /** How long an attachment whose link is lost keeps its place; default 10 min, 0: not at all, at most a day. */
  readonly graceMs?: number;
  readonly attachIfLives?: boolean;
  readonly noIntegration?: boolean;
  /** The programs get an SSH_AUTH_SOCK of the session's own; it leads to the agent of `env`, then to those of {@link AttachOptions.agentPath}. */
  readonly agentForward?: boolean;
}

export interface AttachOptions {
  readonly session: string;
  readonly observe?: boolean;
  readonly take?: boolean;
  readonly size?: { readonly cols: number; readonly rows: number };
  /** Lines of scrollback wanted in the snapshot; default 0 (the screen alone). */
  readonly scrollback?: number;
  /** `snapshot` (default): start from the screen as it is, jump when far behind. `replay`: read the journal at my own pace, never skip. */
  readonly mode?: "snapshot" | "replay";
  /** Replay strictly after this seq (0: from the first retained event). */
  readonly after?: number;
  /** Events without output bytes. */
  readonly noOutput?: boolean;
  /** Not shown as presence. */
  readonly quiet?: boolean;
  /** Socket of an SSH agent that the session's stable agent path leads to from now on; no effect on a session opened without `agentForward`. */
  readonly agentPath?: string;
  /** Reconnect by itself when the link drops. Default true. */
  readonly reconnect?: boolean;
}

/** A screen to draw: a terminal of `cols`×`rows`, reset first. */
export interface Snapshot {
  readonly seq: number;
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
  readonly vt: Uint8Array;
  readonly title: string;
  /** attach, behind, interrupt, size, restart. */
  readonly why: string;
}

/** Output, terminal queries taken out. */
export interface Output {
  readonly seq: number;
  /** 0: a terminal's; 1, 2: a job's stdout and stderr. */
  readonly stream: number;
  readonly offset: number;
  /** Where it ends in the record. `bytes` need not be `end - offset`: queries are out, and a cut sequence comes whole with its end. */
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly atUnixMs: number;
}

/**
 * What is no longer kept, from seq to seq: `retention`, or for one output event `redacted`, `pruned` or `damaged`; then `lost` says
 * which bytes of which stream.
 */
export interface Gap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  readonly lost?: { readonly stream: number; readonly offset: number; readonly end: number };
}

/** What an attachment tells. All optional; called in order, never two at once: what returns a promise is waited for, and paces the host. */
export interface AttachHandlers {
  snapshot?(s: Snapshot): void | Promise<void>;
  /**
   * Return after the bytes have been *used* (written to the terminal) or a promise of it: credit is given back then, which is what
   * paces the host.
   */
  output?(o: Output): void | Promise<void>;
  /** Everything else in the journal, in order (also a Resized, which a view must follow). */
  event?(e: Event): void | Promise<void>;
  gap?(g: Gap): void | Promise<void>;
  floor?(f: Floor, why: string, by: string): void;
  presence?(p: readonly Presence[]): void;
  /** As {@link HostClient.onApprovals}, over whatever link the attachment is on. */
  approvals?(waiting: number, own: number): void;
  /** `offline`: the link is down, typing is held back; `attached`: back, with what was restored. */
  link?(state: "attached" | "offline", detail: { readonly resumed: boolean; readonly unanswered: number }): void;
  /** What was typed while offline is older than 5 s: the caller confirms ({@link Attachment.flushHeld}) or drops it. */
  held?(bytes: number): void;
  /** An input was refused, void or cut. Applied ones are told only through the promise of {@link Attachment.input}. */
  refused?(r: InputOutcome): void;
  /** Over: the session ended, the operator was revoked, or `detach()`. */
  detached?(reason: string, error?: { readonly code: string; readonly message: string }): void;
}

export interface InputOutcome {
  readonly n: number;
  /** Position in the journal; 0 if it was never recorded. */
  readonly seq: number;
  readonly status: InputStatus;
  readonly bytes: number;
  readonly code?: string;
  readonly message?: string;
}

export interface Attachment {
  readonly id: string;
  readonly session: Session;
  readonly floor: Floor;
  readonly presence: readonly Presence[];
  readonly observing: boolean;
  /** Bytes sent and not yet answered. */
  readonly unansweredBytes: number;
  /** Sends one frame (split into one unit when over 64 KiB); resolves when it is settled. */
  input(
    bytes: Uint8Array,
    options?: {
      readonly interrupt?: boolean;
      readonly take?: boolean;
      readonly durable?: boolean;
      readonly unit?: string;
      readonly unitEnd?: boolean;
      readonly eof?: boolean;
    },
  ): Promise<InputOutcome>;
  resize(
    size: { readonly cols: number; readonly rows: number },
    options?: { readonly pin?: boolean; readonly unpin?: boolean },
  ): void;
  take(): Promise<Floor>;
  release(): Promise<Floor>;
  pass(operator: string): Promise<Floor>;
  ask(): Promise<Floor>;
  aiPause(): Promise<Floor>;
  aiResume(): Promise<Floor>;
  flushHeld(): void;
  dropHeld(): void;
  detach(): Promise<void>;
}

export interface RunResult {
  /**
   * `incomplete`: the shell waits for more (a quote or a heredoc left open); the line was taken back. `not_run`: the shell ran
   * nothing, for a syntax error or because the line held none.
   */
  readonly state: "ended" | "not_run" | "incomplete" | "interrupted" | "timed_out";
  /** null: not known. */
  readonly code: number | null;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly omittedBytes: number;
  /** Where the journal stood when the call ended: a later {@link HostClient.wait} from here misses nothing. */
  readonly seq: number;
}

export interface ExecResult {
  /** The session that the program was: its record stays. */
  readonly session: string;
  readonly exit: Exit;
  readonly cwd: string /** of when the environment is: the last `prompt`, or the session's `start` */;
  readonly environment: string;
}

export interface WaitSpec {
  readonly exit?: boolean;
  readonly command?: boolean;
  readonly match?: string;
  readonly idleMs?: number;
  /** 0: looks once. */
  readonly inputNeeded?: boolean;
  readonly timeoutMs?: number;
  readonly fromSeq?: number;
}

/** One entry of a session's journal, as it is read. */
export type Entry =
  | {
      readonly type: "output";
      readonly seq: number;
      readonly stream: number;
      readonly offset: number;
      /** Where it ends in the record; `bytes` may be fewer or more (see AttachHandlers). */
      readonly end: number;
      readonly bytes: Uint8Array;
      readonly atMs: number;
    }
  | { readonly type: "event"; readonly seq: number; readonly event: Event; readonly atMs: number }
  | {
      readonly type: "gap";
      readonly fromSeq: number;
      readonly toSeq: number;
      readonly reason: string;
      readonly lost?: { readonly stream: number; readonly offset: number; readonly end: number };
    };

export interface ReadOptions {
  /** Strictly after this seq; 0: from the first kept. */
  readonly after?: number;
  /** Stop behind this seq; default: the journal's end at the moment of the call. */
  readonly to?: number;
  readonly follow?: boolean;
  /** Only with `follow`: the last event before the end may be output, and would be waited for. */
  readonly noOutput?: boolean;
  readonly signal?: AbortSignal;
}

/** What the host refuses, as a value (session.ts H1). `details` names what the text names: `holder`, `session`, `right`, … */
export interface Refused {
  readonly ok: false;
  readonly code: Code;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
}
export type Told<T> = ({ readonly ok: true } & T) | Refused;

export interface Sessions {
  /** Opens a session; with `attachIfLives` the one of that name that lives. */
  open(spec?: OpenSpec): Promise<SessionHandle>;
  list(options?: { readonly all?: boolean; readonly group?: string }): Promise<SessionHandle[]>;
  /** By id, unique prefix of one, or name. Throws `no_such_session`. */
  get(session: string): Promise<SessionHandle>;
}

export interface AttachWish extends Pick<AttachOptions, "observe" | "take" | "size" | "noOutput"> {
  /** `now` (default): the screen first, then what follows; a loop that is far behind gets the screen again. A seq: everything after that, never skipping; 0: from the first kept. */
  readonly from?: number | "now";
  readonly signal?: AbortSignal;
}

/** What an attachment tells, in order. `snapshot`: draw this on a terminal that is reset first. */
export type AttachedItem =
  | ({ readonly type: "snapshot" } & Snapshot)
  | ({ readonly type: "output" } & Output)
  | { readonly type: "event"; readonly event: Event }
  | ({ readonly type: "gap" } & Gap)
  | { readonly type: "floor"; readonly floor: Floor; readonly why: string; readonly by: string }
  | { readonly type: "presence"; readonly operators: readonly Presence[] }
  | { readonly type: "link"; readonly state: "attached" | "offline"; readonly resumed: boolean };

export interface AttachedSession extends AsyncIterable<AttachedItem> {
  /** Resolves when it is attached; rejects with why it is not. */
  readonly ready: Promise<Attachment>;
  /** One input over this attachment. */
  send(input: string | Uint8Array, options?: Parameters<Attachment["input"]>[1]): Promise<Told<InputOutcome>>;
  detach(): Promise<void>;
}

export interface SessionHandle {
  readonly id: string;
  readonly name: string;
  /** As of the last look. */
  readonly info: Session;
  /** Looks again. */
  look(): Promise<Session>;
  attach(wish?: AttachWish): AttachedSession;
  /** One atomic input without an attachment. */
  send(input: string | Uint8Array, options?: Parameters<HostClient["send"]>[2]): Promise<Told<InputOutcome>>;
  /** Types one command into the session's shell and waits for its end. A text is the shell's; words are quoted one by one. `output` is the last `maxBytes` of it, 1 MiB by default. */
  run(
    command: string | readonly string[],
    options?: Omit<NonNullable<Parameters<HostClient["run"]>[2]>, "output">,
  ): Promise<Told<RunResult & { readonly output: Uint8Array }>>;
  /** Runs an argv beside the terminal, stdout and stderr apart: all of each, so for what prints much give `client.exec` a sink. */
  exec(
    argv: readonly string[],
    options?: Omit<NonNullable<Parameters<HostClient["exec"]>[2]>, "output">,
  ): Promise<Told<ExecResult & { readonly stdout: Uint8Array; readonly stderr: Uint8Array }>>;
  wait(spec: WaitSpec, signal?: AbortSignal): Promise<WaitAnswer>;
  screen(options?: Parameters<HostClient["screen"]>[1]): Promise<ScreenAnswer>;
  /** The journal: who did what, and what was printed. */
  log(options?: ReadOptions): AsyncIterable<Entry>;
  takeFloor(): Promise<Told<{ readonly floor: Floor }>>;
  releaseFloor(): Promise<Told<{ readonly floor: Floor }>>;
  passFloor(operator: string): Promise<Told<{ readonly floor: Floor }>>;
  readonly files: Files;
  /** Ends it: asks first, forces after `graceMs` (default 5,000). Resolves with how it ended. */
  kill(graceMs?: number): Promise<Exit | undefined>;
}

export interface HostClient {
  readonly operator: WhoamiAnswer;
  /** Sessions as handles, attachments as async iterables, refusals as values. */
  readonly sessions: Sessions;
  open(spec: OpenSpec): Promise<{ readonly session: Session; readonly existed: boolean }>;
  list(options?: { readonly all?: boolean; readonly group?: string }): Promise<Session[]>;
  show(session: string): Promise<Session>;
  screen(session: string, options?: { readonly scrollback?: number; readonly vt?: boolean }): Promise<ScreenAnswer>;
  attach(options: AttachOptions, handlers: AttachHandlers): Promise<Attachment>;
  /**
   * Carries an attachment of another client of the same operator on over this one's carrier: the same attachment, nothing lost, doubled or
   * named otherwise. Resolves when it is attached here; rejects, and leaves it where it is, if this way does not lead to its host now.
   */
  carry(attachment: Attachment): Promise<void>;
  /** One atomic input without an attachment. `paste`: bracketed where the program asked for it, control characters taken out. */
  send(
    session: string,
    bytes: Uint8Array,
    options?: {
      readonly take?: boolean;
      readonly paste?: boolean;
      readonly interrupt?: boolean;
      readonly eof?: boolean;
      readonly durable?: boolean;
    },
  ): Promise<InputOutcome>;
  /** Types one command into the session's shell and waits for its end; `output` is told as it comes. */
  run(
    session: string,
    command: { readonly text?: string; readonly words?: readonly string[] },
    options?: {
      readonly timeoutMs?: number;
      readonly take?: boolean;
      readonly maxBytes?: number;
      readonly signal?: AbortSignal;
      readonly output?: (bytes: Uint8Array) => void | Promise<void>;
    },
  ): Promise<RunResult>;
  /**
   * Runs an argv beside the terminal. `stdin`: bytes, or null for none. `signal` interrupts it, as Ctrl-C would. It is ended
   * (asked, then forced) when `end` is aborted, and after `timeoutMs`, which rejects with `timed_out`. A caller that only
   * vanishes ends nothing: the program goes on as a session, and so does one whose caller aborts `leave`, which rejects with
   * `cancelled`. `started` is told that session's id before any output.
   */
  exec(
    session: string,
    argv: readonly string[],
    options?: {
      readonly stdin?: AsyncIterable<Uint8Array> | Uint8Array | null;
      readonly timeoutMs?: number;
      readonly signal?: AbortSignal;
      readonly end?: AbortSignal;
      readonly leave?: AbortSignal;
      readonly started?: (session: string) => void;
      readonly output?: (stream: 1 | 2, bytes: Uint8Array) => void | Promise<void>;
    },
  ): Promise<ExecResult>;
  wait(session: string, spec: WaitSpec, signal?: AbortSignal): Promise<WaitAnswer>;
  floor(session: string, verb: "take" | "release" | "pass" | "ask" | "ai_pause" | "ai_resume", to?: string): Promise<Floor>;
  resize(session: string, size: { readonly cols: number; readonly rows: number } | null): Promise<void>;
  signal(session: string, target: "leader" | "foreground" | "tree", signo: number): Promise<void>;
  /** Ends the session: asks first, forces after `graceMs` (default 5,000). Resolves when it has ended. */
  kill(session: string, graceMs?: number): Promise<Session>;
  rename(session: string, name: string): Promise<void>;
  remove(session: string, force?: boolean): Promise<void>;
  probe(session: string): Promise<ProbeAnswer>;
  search(
    session: string,
    text: string,
    options?: { readonly regex?: boolean; readonly beforeOffset?: number; readonly limit?: number },
  ): Promise<SearchAnswer_Hit[]>;
  redact(
    session: string,
    what: { readonly seqs?: readonly number[]; readonly from?: number; readonly to?: number; readonly reason?: string },
  ): Promise<number>;
  auditHead(seal: boolean): Promise<{
    readonly lsn: number;
    readonly chain: Uint8Array;
    readonly signature: Uint8Array;
    readonly publicKey: Uint8Array;
    readonly folder: string;
  }>;
  operatorAdd(o: {
    readonly name: string;
    readonly kind: OperatorKind;
    readonly role: string;
    /** Raw, 32 bytes; may be left out of who logs in. */
    readonly publicKey?: Uint8Array;
    readonly onBehalfOf?: string;
    /** What the host's OIDC issuer calls this person. */
    readonly oidcSubject?: string;
    /** No program of its holder's user signs with it unasked: a passphrase, a browser or a device keeps it. Default false. */
    readonly protected?: boolean;
  }): Promise<OperatorInfo>;
  operatorList(): Promise<OperatorInfo[]>;
  readonly approvals: Approvals;
  /** Told how many requests this operator may decide on, and how many of its AIs' others decide on; now, and when that changes. */
  onApprovals(told: (waiting: number, own: number) => void): () => void;
  policy(): Promise<PolicyInForce>;
  /** What is wrong with a text of a policy; nothing is changed. */
  policyCheck(text: string): Promise<readonly string[]>;
  /** The file on the host's machine is in force from now on; what waits for approval is void. Throws `bad_request` with what is wrong. */
  policyReload(): Promise<PolicyInForce>;
  operatorRevoke(operator: string): Promise<void>;
  /** Another key of an operator, raw, 32 bytes: a person adds their own, an admin anybody's. `protected` as in {@link operatorAdd}. */
  keyAdd(operator: string, publicKey: Uint8Array, options?: { readonly protected?: boolean }): Promise<void>;
  /** One key alone, by its id in hex or what that begins with; a person may take away their own. */
  keyRevoke(operator: string, key: string): Promise<void>;
  /** What the host's OIDC issuer calls this person; null: nothing any more. */
  operatorLink(operator: string, oidcSubject: string | null): Promise<void>;
  /** Files of the session's machine, as its user; who may type may. */
  files(session: string): Files;
  /** A single-use token that makes a key an operator's; see {@link InviteSpec}. The token is told this once. An admin's, but for a device of one's own. */
  invite(spec: InviteSpec): Promise<Invited>;
  invitations(): Promise<Invitation[]>;
  /** Nobody takes it up any more; the guest who has is out within a second. */
  invitationRevoke(id: string): Promise<void>;
  whoami(): Promise<WhoamiAnswer>;
  /** Signs a grant with this client's key, for the HTTP API of this host. A secret: whoever has it is this operator until it is over. */
  grant(spec?: GrantSpec): Promise<string>;
  status(): Promise<HostStatusAnswer>;
  down(force?: boolean): Promise<void>;
  /** Its link is gone: calls are rejected, attachments find a link of their own. */
  readonly isOver: boolean;
  close(): void;
}

export type {
  Event,
  ExecAnswer,
  Exit,
  Floor,
  FloorMode,
  HostStatusAnswer,
  InputStatus,
  Invitation,
  NetworkCarrier,
  OperatorInfo,
  OperatorKind,
  Presence,
  ProbeAnswer,
  ScreenAnswer,
  SearchAnswer_Hit,
  Session,
  SessionKind,
  WaitAnswer,
  WhoamiAnswer,
};
