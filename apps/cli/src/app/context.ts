/**
 * What a command may touch: its streams, its environment, a clock and a host. Commands take nothing from `process`, so that a test
 * hands them a world of its own (app/fake.ts); the real one is app/real.ts.
 */
import type { ListenWish, OidcSettings } from "@holdfast/host/start";
import type { AttachHandlers, ConnectOptions, Event, HostClient } from "@holdfast/sdk";
import type { Settings } from "../config/settings.ts";
import type { FoundHost, Joined, KeptByRelay } from "@holdfast/sdk/node";
import type { Remote } from "../read/remote.ts";
import type { Paint } from "../show/colour.ts";
import type { CommandTable } from "../spec/command.ts";
import type { Outer } from "../terminal/outer.ts";

export interface Output {
  readonly isTty: boolean;
  /** Columns to fit; 100 where nothing tells. */
  readonly columns: number;
  write(data: string | Uint8Array): void;
  /** Resolves when what was written has been taken by the reader: what paces a long stream. */
  drained(): Promise<void>;
  /** Has `run` called when the reader goes away, in place of ending this process: for a command that has something to end first. */
  whenGone(run: () => void): void;
}

export interface Input {
  readonly isTty: boolean;
  bytes(): AsyncIterable<Uint8Array>;
  /** One line from the person, without its end; null at the end of input. */
  line(): Promise<string | null>;
}

export interface Context {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** How another program starts this one: an absolute path, or a name on the PATH. */
  readonly program: string;
  /** Every command, for those that tell of commands. */
  readonly table: CommandTable;
  readonly json: boolean;
  readonly as: string | undefined;
  /** What stood after `--`; undefined if there was no `--`. */
  readonly tail: readonly string[] | undefined;
  readonly input: Input;
  readonly out: Output;
  readonly err: Output;
  readonly paint: Paint;
  readonly errPaint: Paint;
  now(): number;
  home(): Promise<string>;
  configFolder(): Promise<string>;
  settings(): Promise<Settings>;
  /** From now on the host of another machine is meant. Before {@link client}. */
  reach(remote: Remote): void;
  readonly remote: Remote | undefined;
  /** The address of the host that is meant in place of this machine's. */
  readonly host: string | undefined;
  /** The relays that it is behind; without {@link host}, whichever of their hosts is meant. */
  readonly relayUrls: readonly string[];
  /** The host, connected at first call and closed when the command ends. */
  client(options?: ClientOptions): Promise<HostClient>;
  /** Where what was read is from, if from no host: it is told with what is shown. */
  readonly origin: Origin | undefined;
  /** Carries standard input and output to this machine's host, until either end is over. */
  bridge(): Promise<undefined>;
  /** Who answers at an address, told nothing of who asks. */
  lookAtHost(url: string): Promise<SeenHost>;
  /** Starts the host of this machine, anew if it runs, to listen or to let people log in. Sessions run on meanwhile. */
  hostAnew(wishes: HostWishes): Promise<HostClient>;
  /** Takes up an invitation: from then on its host and the new credential are the ones that are meant. */
  join(invite: string, wish: JoinWish): Promise<Joined>;
  /** Logs in with the host's issuer; `show` is given the address that the person opens. Then the new credential is the one that is meant. */
  logIn(options: LogInOptions): Promise<LoggedIn>;
  /** What the relay that leads to the host has kept of its chain; null: none leads there. */
  relayHeads(): Promise<KeptByRelay | null>;
  /** A link of its own as another operator (undefined: this home's person), which the caller closes. */
  connectAs(name: string | undefined, via: "cli" | "mcp"): Promise<HostClient>;
  /** Waits until no host and no keeper of this home runs; `end` has the keeper end one that does not answer. Resolves with whether one ran. */
  hostDown(options: { readonly end: boolean }): Promise<boolean>;
  /** A link of its own by a grant that some client has shown; the caller closes it. */
  connectBearing(grant: string): Promise<HostClient>;
  /** Runs a relay, and administers the one that runs in a folder. Loaded late: it brings gRPC. */
  relays(): Promise<typeof import("@holdfast/relay")>;
  /** Hosts that let this home's person in and are connected to one of {@link relayUrls} now. */
  findHosts(): Promise<readonly FoundHost[]>;
  /** The terminal that the person sits at, for `attach`. */
  outer(): Promise<Outer>;
  /** Aborted at Ctrl-C, SIGTERM or SIGHUP, with the signal's number as its reason; what a command that waits listens to. */
  readonly cancelled: AbortSignal;
  /** Keys, folders and credentials of this machine. */
  keys(): Promise<KeyStore>;
  /** A new passphrase for the key of that name: from the descriptor that was named, or asked for twice. */
  newPassphrase(name: string): Promise<string>;
  /** One line that nobody sees: from the descriptor, or asked for on the terminal. */
  secret(prompt: string, fd: number | undefined): Promise<string>;
  /** What comes of the host's record from now on is told when the returned function is called: the screen is a session's meanwhile. */
  holdAlarms(): () => void;
  /** A client of a place that is no context yet; the caller closes it. */
  connectAt(place: ConnectPlace): Promise<HostClient>;
  /** A new link in place of the one that is gone. */
  reconnect(): Promise<HostClient>;
  /**
   * The page over what the mirror has; null where a host is meant. `redeemMs`: how long its link is good; `instead`: also where that host does not
   * answer and a mirror of its record is known, which is told.
   */
  recordPage(redeemMs: number, instead: boolean): Promise<RecordPage | null>;
  /**
   * Of the journal's files on this machine, or in a mirror; where another host is meant, that host's word. `witnesses`: files of heads, and relays,
   * besides what this user's clients have seen and the relays that the host dials; of files alone.
   */
  verifyAudit(
    onProgress: (done: number, total: number) => void,
    witnesses: readonly string[],
  ): Promise<AsyncIterable<AuditFinding>>;
  /** Likewise, in the record's order. */
  auditRecords(filter: AuditFilter): Promise<AsyncIterable<AuditRecord>>;
}

export interface AuditFilter {
  /** Id of an operator. */
  readonly actor?: string;
  readonly sinceMs?: number;
  /** Of another host no more comes than is meant; files give all. Default: every kind. */
  readonly kinds?: readonly string[];
  /** Likewise, without `kinds`: what was printed and what terminals answered, too. Default true. */
  readonly printed?: boolean;
}

export interface ClientOptions {
  /** Default true. */
  readonly start?: boolean;
  /** It may be the record in the host's mirror too, of this session; null: of no one session. */
  readonly record?: string | null;
}

/** As a context has it (target.ts). */
export interface ConnectPlace {
  readonly relay?: string;
  readonly host?: string;
  readonly as?: string;
}

/** The console's page over a record, for as long as this process lives. */
export interface RecordPage {
  /** `http://127.0.0.1:40001` */
  readonly url: string;
  readonly hostKey: Uint8Array;
  readonly token: Uint8Array;
  readonly redeemUntilUnixMs: number;
  close(): Promise<void>;
}

export interface Origin {
  readonly from: "mirror";
  /** ISO 8601. */
  readonly asOf: string;
}

export interface HostWishes {
  readonly listen: ListenWish | undefined;
  readonly oidc: OidcSettings | undefined;
  /** `ADDRESS:PORT`. */
  readonly ssh: string | undefined;
}

export interface LogInOptions {
  readonly name: string | undefined;
  readonly show: (url: string) => void;
}

export interface LoggedIn {
  readonly operator: string;
  readonly role: string;
  /** Name of the credential here, and the file of its key. */
  readonly as: string;
  readonly key: string;
}

export interface JoinWish {
  readonly name: string | undefined;
  /** Keeps the new key. */
  readonly passphrase: string | undefined;
}

export interface SeenHost {
  readonly address: string;
  /** Of the host that the address was known to lead to; null if it was not known. */
  readonly knownId: string | null;
  readonly id: string;
  /** From now on it is known by its key. */
  remember(): Promise<void>;
}

/** One record of the host's ledger, in its order over all sessions. */
export interface AuditRecord {
  readonly session: string;
  readonly event: Event | null;
  /** What the journal says of itself: a recovery, an erasure. */
  readonly own: unknown;
  readonly lsn: number;
  readonly gap?: { readonly fromLsn: number; readonly toLsn: number };
}

export interface KeyStore {
  names(): Promise<readonly string[]>;
  /** `passphrase`: only it opens the key then. */
  generate(name: string, passphrase?: string): Promise<{ readonly publicKey: Uint8Array; readonly path: string }>;
  /** Takes a key away that {@link generate} has just made and no host knows. */
  discard(path: string): Promise<void>;
}

/** One thing that `hold audit verify` says; `ok` ones are summaries of what was checked. */
export interface AuditFinding {
  readonly ok: boolean;
  readonly file: string;
  readonly position: number;
  readonly lsn?: number;
  readonly session?: string;
  readonly seq?: number;
  readonly problem: string;
}

export type { AttachHandlers, ConnectOptions, HostClient };

export function line(output: Output, text: string): void {
  output.write(`${text}\n`);
}

/** One JSON value on one line. Big integers of the wire become numbers: none of them passes 2^53. */
export function jsonLine(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? Number(v) : v))}\n`);
}
