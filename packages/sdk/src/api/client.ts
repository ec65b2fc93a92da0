/** One client of one host: every verb that there is, of sessions, operators, the audit and the host itself. */
import type {
  Floor,
  HostStatusAnswer,
  Invitation,
  OperatorInfo,
  OperatorKind,
  ProbeAnswer,
  ScreenAnswer,
  MirrorStatus,
  SearchAnswer_Hit,
  Session,
  Uplink,
  WaitAnswer,
  WhoamiAnswer,
} from "@holdfast/protocol";
import type { Approvals, PolicyInForce, PolicyQuestion, PolicyTried } from "./approval.ts";
import type { Audit } from "./audit.ts";
import type { AttachHandlers, AttachOptions, Attachment, InputOutcome } from "./attach.ts";
import type { Files } from "./files.ts";
import type { Sessions } from "./handle.ts";
import type { GrantSpec, Invited, InviteSpec } from "./invite.ts";
import type { Kernels } from "./kernel.ts";
import type { ListeningPort, PortStream } from "./port.ts";
import type { MirrorKey, MirrorTarget, RelayJoin } from "./reach.ts";
import type { HostWitnessing } from "./witness.ts";
import type { ExecOptions, ExecResult, OpenSpec, RunOptions, RunResult, ScreenOptions, SendOptions, WaitSpec } from "./work.ts";

/** The list as it is now. A session's `activity` and `foreground` are as the host last looked: a moment after it fell quiet, then ever more rarely. */
export interface SessionList {
  /** In the order in which they were first told: the latest active first, new ones at the end. */
  readonly sessions: readonly Session[];
  /** Ids of those of them that are new or changed since the last time. */
  readonly changed: readonly string[];
  /** Ids of those that were in it and are not any more. */
  readonly gone: readonly string[];
  /** Sessions that the list began without, for its limit; each comes into it when it changes. */
  readonly omitted: number;
}

export interface HostClient {
  readonly operator: WhoamiAnswer;
  /** Sessions as handles, attachments as async iterables, refusals as values. */
  readonly sessions: Sessions;
  /** What is seen of the host's audit chain, and what that says of it now. */
  readonly witness: HostWitnessing;
  open(spec: OpenSpec): Promise<{ readonly session: Session; readonly existed: boolean }>;
  list(options?: { readonly all?: boolean; readonly group?: string }): Promise<Session[]>;
  /**
   * Tells the list of sessions, and again what has changed in it, until `signal` is aborted; it resolves then. Changes are told at most four
   * times a second, what was only printed or typed at most once, and no sooner than `told` has returned: who is slow is told the newest, not each
   * step. Rejects with `unreachable` when the link ends: call it again, and the list is told whole; with `unsupported` by an older host.
   */
  watchSessions(
    told: (list: SessionList) => void | Promise<void>,
    options?: {
      /** Ended sessions and commands of `exec` too. Default false: one that ends is then `gone`. */
      readonly all?: boolean;
      readonly group?: string;
      /** Most sessions that it begins with, the latest active; default and most 10,000. */
      readonly limit?: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<void>;
  show(session: string): Promise<Session>;
  screen(session: string, options?: ScreenOptions): Promise<ScreenAnswer>;
  attach(options: AttachOptions, handlers: AttachHandlers): Promise<Attachment>;
  /**
   * Carries an attachment of another client of the same operator on over this one's carrier: the same attachment, nothing lost, doubled or
   * named otherwise. Resolves when it is attached here; rejects, and leaves it where it is, if this way does not lead to its host now.
   */
  carry(attachment: Attachment): Promise<void>;
  /** One atomic input without an attachment. */
  send(session: string, bytes: Uint8Array, options?: SendOptions): Promise<InputOutcome>;
  /**
   * Types one command into the session's shell and waits for its end. A link or a host that ends meanwhile is waited for, 10 minutes at most
   * and no longer than `timeoutMs`: the command is typed once, and each byte of its output told once. Rejects with `unreachable` where nobody
   * was there; the command goes on.
   */
  run(
    session: string,
    command: { readonly text?: string; readonly words?: readonly string[] },
    options?: RunOptions,
  ): Promise<RunResult>;
  /**
   * Runs an argv beside the terminal. A caller that only vanishes ends nothing: the program goes on as a session. A link or a host that ends
   * meanwhile is waited for as in {@link HostClient.run}.
   */
  exec(session: string, argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** A link or a host that ends meanwhile is waited for as in {@link HostClient.run}, and nothing that happened in between is missed. */
  wait(session: string, spec: WaitSpec, signal?: AbortSignal): Promise<WaitAnswer>;
  /** Of kernel sessions. */
  readonly kernels: Kernels;
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
    what: {
      readonly seqs?: readonly number[];
      readonly from?: number;
      readonly to?: number;
      readonly reason?: string;
      /** Told where the host's mirror has not erased them yet, and why; it will. */
      readonly mirrorPending?: (why: string) => void;
    },
  ): Promise<number>;
  /** The record of all sessions: pages of it, and its verification on the host. */
  readonly audit: Audit;
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
  /**
   * The text is the file on the host's machine from now on, and in force; what waits for approval is void. `read`: what {@link policy} gave, which the text
   * was written over. Throws `file_changed` where the file or what is in force is another by now, and `bad_request` with what is wrong. An admin's.
   */
  policySave(text: string, read: Pick<PolicyInForce, "sha256" | "fileText">): Promise<PolicyInForce>;
  /** What a policy would say to one deed of an AI; nothing is done, nobody is asked and nothing recorded. Throws `bad_request` for what is no question. */
  policyTry(question: PolicyQuestion): Promise<PolicyTried>;
  operatorRevoke(operator: string): Promise<void>;
  /** Another key of an operator, raw, 32 bytes: a person adds their own, an admin anybody's. `protected` as in {@link operatorAdd}. */
  keyAdd(operator: string, publicKey: Uint8Array, options?: { readonly protected?: boolean }): Promise<void>;
  /** One key alone, by its id in hex or what that begins with; a person may take away their own. */
  keyRevoke(operator: string, key: string): Promise<void>;
  /** What the host's OIDC issuer calls this person; null: nothing any more. */
  operatorLink(operator: string, oidcSubject: string | null): Promise<void>;
  /** Files of the session's machine, as its user; who may type may. */
  files(session: string): Files;
  /** What the session's programs listen on; `reachable`: the host leads {@link connectPort} there. */
  ports(session: string): Promise<{ readonly ports: readonly ListeningPort[]; readonly reachable: boolean }>;
  /**
   * A TCP connection to what a program of the session listens on, on its machine's loopback. Throws `no_such_port`, and `not_permitted` where the
   * host's admin has not allowed it. It ends with the link that it was made over.
   */
  connectPort(session: string, port: number): Promise<PortStream>;
  /** A single-use token that makes a key an operator's; see {@link InviteSpec}. The token is told this once. An admin's, but for a device of one's own. */
  invite(spec: InviteSpec): Promise<Invited>;
  invitations(): Promise<Invitation[]>;
  /** Nobody takes it up any more; the guest who has is out within a second. */
  invitationRevoke(id: string): Promise<void>;
  whoami(): Promise<WhoamiAnswer>;
  /** Signs a grant with this client's key, for the HTTP API of this host. A secret: whoever has it is this operator until it is over. */
  grant(spec?: GrantSpec): Promise<string>;
  status(): Promise<HostStatusAnswer>;
  /**
   * Tells the last lines of the host's log, oldest first, and with `follow` those that come, until `signal` is aborted; it resolves then. What is shaped like a
   * secret is `***`. An admin's. Throws `no_such_file` where the host has no log of its own.
   */
  log(
    told: (lines: readonly string[]) => void,
    options?: {
      /** Default 200, 2,000 at most. */
      readonly lines?: number;
      readonly follow?: boolean;
      readonly signal?: AbortSignal;
    },
  ): Promise<void>;
  /** Has the host register at a relay and dial it from then on (docs/relay.md). Throws what the relay says. */
  joinRelay(relay: RelayJoin): Promise<Uplink>;
  leaveRelay(url: string): Promise<void>;
  /** Opens the host's page on its machine's loopback where it is not open, or closes it; resolves with its address, `http://127.0.0.1:7434`, or null. An admin's. */
  console(to?: "open" | "off"): Promise<string | null>;
  /** Has the host copy its record there from now on, or nowhere, or now what is not there yet (docs/mirror.md). */
  mirror(to: MirrorTarget | "off" | "now"): Promise<MirrorStatus>;
  mirrorStatus(): Promise<MirrorStatus>;
  /** Whoever has it reads all that the host has recorded. */
  mirrorKey(): Promise<MirrorKey>;
  down(force?: boolean): Promise<void>;
  /** Its link is gone: what was open was rejected with `unreachable`, and the next call dials again. Attachments find a link of their own. */
  readonly isOver: boolean;
  close(): void;
}
