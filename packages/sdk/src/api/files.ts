/** Files beside a session's terminal. */
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

export interface WriteOptions {
  /** Only if the file's hash is this now; null: only if there is no file. Absent: whatever is there. */
  readonly ifSha256?: Uint8Array | null;
  /** Permission bits of a new file. */
  readonly mode?: number;
  /** Makes the folders that lead there. */
  readonly folders?: boolean;
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
  /** Replaces the file whole, or not at all. */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<FileState>;
  /** Tells of changes until `signal` is aborted, beginning with `watching`. */
  watch(path: string, change: (c: FileChange) => void, signal: AbortSignal): Promise<void>;
}
