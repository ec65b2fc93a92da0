/**
 * What the journal asks of a disk, so that testkit's simulated disk can stand in for the real one. Everything is
 * synchronous except the two syncs: an append lands in the page cache and is over in microseconds, a sync waits for the device.
 * Errors are thrown as Node does (`code`: ENOSPC, EIO, …); a write may be short.
 */
export interface DiskFile {
  /** Writes at `position`; returns how many bytes were taken, which may be fewer than given. */
  write(bytes: Uint8Array, position: number): number;
  /** Fills `into` from `position`; returns the count, 0 at the end. */
  read(into: Uint8Array, position: number): number;
  size(): number;
  truncate(length: number): void;
  /** fdatasync. After a rejection nothing that was written since the last success may be called durable (never retried). */
  sync(): Promise<void>;
  /** The same, blocking: for start-up and for sealing only. */
  syncNow(): void;
  close(): void;
}

export interface Disk {
  open(path: string, mode: "read" | "readwrite" | "create-new"): DiskFile;
  list(folder: string): string[];
  exists(path: string): boolean;
  mkdir(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** The same off the loop: giving back the blocks of a large file takes the file system milliseconds. */
  removeLater(path: string): Promise<void>;
  /** fsync of the folder, so that creations, renames and removals in it survive a power cut. */
  syncFolder(path: string): Promise<void>;
  /** The same, blocking: for start-up and for sealing only. */
  syncFolderNow(path: string): void;
}
