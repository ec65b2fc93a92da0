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

export interface WriteOnOptions {
  readonly part: string;
  /** Where the content belongs: what is kept beyond it is dropped. */
  readonly offset: number;
  /** Of the whole; asked for once all of the content was read. */
  readonly sha256: () => Uint8Array;
  readonly mode?: number;
  readonly folders?: boolean;
  readonly signal?: AbortSignal | undefined;
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
  ): Promise<{ readonly path: string; readonly size: number; readonly modifiedUnixMs: number; readonly mode: number }>;
  /** `bytes`: of so many at its beginning, or of all there are; `size` is the whole file's. */
  hash(
    path: string,
    options?: { readonly bytes?: number; readonly signal?: AbortSignal | undefined },
  ): Promise<FileState & { readonly mode: number }>;
  /** Replaces the file whole, or not at all. */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<FileState>;
  /**
   * What has come of a file that {@link writeOn} writes: how much, and its hash. `part`: 16 to 64 hex digits that the caller finds again; it is of
   * this operator and this path, and is kept when links end, and the host, until it is written to its end.
   */
  kept(path: string, part: string, folders?: boolean): Promise<FileState>;
  /** As {@link write}, from an offset on. */
  writeOn(path: string, content: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOnOptions): Promise<FileState>;
  /** Tells of changes until `signal` is aborted, beginning with `watching`. */
  watch(path: string, change: (c: FileChange) => void, signal: AbortSignal): Promise<void>;
}
