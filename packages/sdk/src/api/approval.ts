/** What AIs may do, and what they ask people for. */
import type { Deed } from "@holdfast/core";

/** What an AI asks a person for (docs/policy.md). Texts may hold any bytes (protocol/exact-text.ts); `shownExactly` is for `data`. */
export interface Approval {
  readonly id: string;
  /** Null: it is about no session yet. */
  readonly session: string | null;
  readonly sessionName: string;
  /** `run`, `exec`, `keys`, `signals`, `files.read`, `files.write`, `open`, `end`; `question` and `secret` are answered, not allowed. */
  readonly deed: string;
  readonly actor: string;
  readonly actorName: string;
  readonly onBehalfOf: readonly string[];
  /** A list has the first two; the last two are a question's. */
  readonly state: "pending" | "allowed" | "denied" | "used" | "expired" | "void" | "answered" | "handed";
  /** Who decided. */
  readonly by: string;
  /** Of a question that was answered: the answer. */
  readonly reason: string;
  readonly askedUnixMs: number;
  readonly expiresUnixMs: number;
  readonly leftMs: number;
  /** In the host's words; of a question, the AI's. */
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
  /** You may: decide, with a credential that is protected; answer, with any. */
  readonly mayDecide: boolean;
  /** Of a question: what the AI offers for an answer. Any other is one too. */
  readonly options: readonly string[];
  /** Of a question: you may take the floor instead. */
  readonly handoff: boolean;
  /** Of a secret: the program that waits for it, and its prompt, as the host sees them. */
  readonly reads: string | null;
}

export interface AskOptions {
  readonly options?: readonly string[];
  /** A person may take the floor instead of answering. */
  readonly handoff?: boolean;
  /** For the program that waits for a secret now: a person's line goes to that, and never to who asks. */
  readonly secret?: boolean;
  /** The caller's own name for the question: asked again under it, in its time, it is the same one. */
  readonly id?: string;
  /** How long it stands: 60 s by default, 5 s to an hour. */
  readonly ttlMs?: number;
  /** How long this call waits, at most (and by default) 45 s: then it throws `needs_approval`, and the very same call goes on waiting. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly approval: string;
  /** `handed`: they took the floor. */
  readonly outcome: "answered" | "handed";
  /** Empty of a secret. */
  readonly text: string;
  readonly by: string;
  readonly byName: string;
  /** The journal's end then. */
  readonly seq: number;
}

/** What AIs have asked for and may still use: for whoever decides or audits all of it, for others their own and their AIs'. */
export interface Approvals {
  list(): Promise<readonly Approval[]>;
  /** Tells of all of them, now and after each change, until `signal` is aborted. */
  watch(told: (approvals: readonly Approval[]) => void, signal: AbortSignal): Promise<void>;
  /** Of a request as it was listed. Throws `not_permitted`, `not_protected`, `approval_void`, `approval_expired`, `no_such_approval`. */
  allow(approval: Approval): Promise<Approval>;
  /** Of a question: declines it. */
  deny(approval: Approval, reason?: string): Promise<Approval>;
  /** A person's answer to a question as it was listed: of whoever may type in its session. */
  answer(approval: Approval, text: string): Promise<Approval>;
  /** Takes the floor, where a question offers that. Throws `floor_held` where another person has it. */
  takeOver(approval: Approval): Promise<Approval>;
  /**
   * One line for the program that waits for a secret, as this person's own input: nobody sees it, and no record has it. Throws
   * `approval_void` where its prompt is gone or another, and where the terminal showed it in the very moment that it went.
   */
  give(approval: Approval, secret: Uint8Array): Promise<Approval>;
  /**
   * Asks people, as an AI. Resolves with the answer; throws `approval_denied` when somebody declines, `approval_expired`, `approval_void`
   * (its session ended, or its prompt), and `other_state` where a secret is asked for and nothing waits for one.
   */
  ask(session: string, question: string, options?: AskOptions): Promise<Answered>;
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
  /** The file as it is, for who may save it; null: there is none, it can't be read, or the host does not tell it. */
  readonly fileText: string | null;
}

export interface PolicyQuestion {
  readonly deed: Deed;
  /** Of a policy; default: the one that is in force. */
  readonly text?: string;
  /** Id or name of one that there is, or a name that one could have; of `open`, what it would be called. Default: one that no rule of its own is about. */
  readonly session?: string;
  /** Default: that of the session that there is. */
  readonly group?: string;
  /** Of `run`, as a shell reads it; of `exec`, words, or a line that is plain words. Of these two, and needed there. */
  readonly command?: string | readonly string[];
  /** Id or name of an AI, whose role is looked at too. */
  readonly operator?: string;
}

export type PolicyTried =
  /** What is wrong with `text`. */
  | { readonly problems: readonly string[] }
  | {
      readonly problems: readonly [];
      readonly ruling: "allow" | "ask" | "deny";
      /** Where that is said. */
      readonly because: string;
      /** The line is not plain words, so no rule that allows speaks of it. */
      readonly isOpaque: boolean;
      /** The right that the role of `operator` leaves out: no policy gives it. Null: none. */
      readonly lacks: string | null;
    };
