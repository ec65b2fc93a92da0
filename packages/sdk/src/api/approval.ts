/** What AIs may do, and what they ask people for. */
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
