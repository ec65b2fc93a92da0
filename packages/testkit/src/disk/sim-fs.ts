/**
 * A disk that forgets: files and folders with a durable and a volatile state, so that every image a power cut may leave can be
 * made and the real recovery run on it.
 *   D1  A write or truncation is volatile until a sync of its file succeeds; a creation, rename or removal until a sync of its folder.
 *   D2  A crash keeps what is durable and any subset of what is not: whole writes, pieces of one on sector bounds, folder
 *       operations each on its own. A file whose creation is lost is gone with its bytes.
 *   D3  A failed sync drops what it should have made durable: the bytes stay readable until the crash and are lost then,
 *       and a later sync of the same file succeeds without them (reliability L12).
 *   D4  Folders themselves survive: mkdir is durable at once. What is inside is not.
 *   D5  A killed process does nothing more; what it wrote stays as it is, durable or not, for the next one on the same disk.
 * What it does not model: reordering inside one sector, wrong bytes under a right checksum, metadata lost after a folder sync.
 */
import type { Disk, DiskFile } from "@holdfast/host/journal";

export type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly length: number };

export interface Inode {
  readonly id: number;
  bytes: Uint8Array;
  size: number;
  durable: Uint8Array;
  /** Not yet synced, in order. */
  pending: Change[];
}

export type FolderChange =
  | { readonly kind: "link"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly inode: Inode };

export type Fault = "EIO" | "ENOSPC" | "EINTR" | "short";
export interface FaultPlan {
  /** The 1-based number of the first call that fails, over all calls that change or sync something. */
  readonly at: number;
  readonly fault: Fault;
  readonly sticky: boolean;
}

export interface SimOptions {
  readonly capacityBytes?: number;
  readonly fault?: FaultPlan;
}

export const fsError = (code: string, what: string): Error => Object.assign(new Error(`${code}: simulated, ${what}`), { code });
const KILLED = "EKILLED";
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

export class SimFS implements Disk {
  readonly names = new Map<string, Inode>();
  readonly durableNames = new Map<string, Inode>();
  readonly folders = new Set<string>([""]);
  folderPending: FolderChange[] = [];
  /** One line a call that changes or syncs something; its length numbers the calls. */
  readonly trace: string[] = [];
  /** Called before each such call, with its number: where a test takes its crash images. */
  beforeCall: ((call: number) => void) | null = null;
  /** Permissions taken away: every change fails with EACCES. */
  isReadOnly = false;
  capacityBytes: number;
  fault: FaultPlan | null;
  /** D5: from this call on the process is gone; null again, and the next one has the disk. */
  killedAt: number | null = null;
  openFiles = 0;
  #nextInode = 1;

  constructor(options: SimOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.fault = options.fault ?? null;
  }

  get usedBytes(): number {
    const seen = new Set<Inode>(this.names.values());
    let sum = 0;
    for (const inode of seen) sum += inode.size;
    return sum;
  }

  /** Counts a call and injects the planned fault; true means: this write comes out short. */
  call(what: string, canBeShort = false): boolean {
    if (this.killedAt !== null && this.trace.length + 1 >= this.killedAt) throw fsError(KILLED, what);
    this.beforeCall?.(this.trace.length + 1);
    this.trace.push(what);
    if (this.isReadOnly) throw fsError("EACCES", what);
    const f = this.fault;
    if (f === null || (f.sticky ? this.trace.length < f.at : this.trace.length !== f.at)) return false;
    if (f.fault === "short") return canBeShort;
    throw fsError(f.fault, what);
  }

  open(path: string, mode: "read" | "readwrite" | "create-new"): DiskFile {
    const existing = this.names.get(path);
    if (mode !== "create-new") {
      if (existing === undefined) throw fsError("ENOENT", `open ${path}`);
      this.openFiles++;
      return new SimFile(this, existing, path, mode === "read");
    }
    this.call(`create ${path}`);
    if (existing !== undefined) throw fsError("EEXIST", `create ${path}`);
    if (!this.folders.has(folderOf(path))) throw fsError("ENOENT", `create ${path}`);
    const inode: Inode = { id: this.#nextInode++, bytes: new Uint8Array(1024), size: 0, durable: new Uint8Array(0), pending: [] };
    this.names.set(path, inode);
    this.folderPending.push({ kind: "link", path, inode });
    this.openFiles++;
    return new SimFile(this, inode, path, false);
  }

  list(folder: string): string[] {
    const prefix = `${folder}/`;
    return [...this.names.keys()]
      .filter((p) => p.startsWith(prefix) && !p.slice(prefix.length).includes("/"))
      .map((p) => p.slice(prefix.length))
      .sort();
  }

  exists(path: string): boolean {
    return this.names.has(path) || this.folders.has(path);
  }

  mkdir(path: string): void {
    this.call(`mkdir ${path}`);
    for (let p = path; p !== ""; p = folderOf(p)) this.folders.add(p);
  }

  rename(from: string, to: string): void {
    this.call(`rename ${from} ${to}`);
    const inode = this.names.get(from);
    if (inode === undefined) throw fsError("ENOENT", `rename ${from}`);
    this.names.delete(from);
    this.names.set(to, inode);
    this.folderPending.push({ kind: "rename", from, to, inode });
  }

  remove(path: string): void {
    this.call(`remove ${path}`);
    if (!this.names.delete(path)) throw fsError("ENOENT", `remove ${path}`);
    this.folderPending.push({ kind: "unlink", path });
  }

  async removeLater(path: string): Promise<void> {
    this.call(`remove ${path}`);
    await Promise.resolve();
    if (!this.names.delete(path)) throw fsError("ENOENT", `remove ${path}`);
    this.folderPending.push({ kind: "unlink", path });
  }

  async syncFolder(path: string): Promise<void> {
    // The fault is decided now, the effect comes a turn later: what is done meanwhile is not part of it.
    const count = this.folderPending.length;
    this.call(`syncfolder ${path}`);
    const covered = new Set(this.folderPending.slice(0, count));
    await Promise.resolve();
    this.#settleFolder(path, covered);
  }

  syncFolderNow(path: string): void {
    this.call(`syncfolder ${path}`);
    this.#settleFolder(path, new Set(this.folderPending));
  }

  #settleFolder(path: string, covered: Set<FolderChange>): void {
    const left: FolderChange[] = [];
    for (const change of this.folderPending) {
      if (covered.has(change) && folderOf(change.kind === "rename" ? change.to : change.path) === path)
        applyFolderChange(this.durableNames, change);
      else left.push(change);
    }
    this.folderPending = left;
  }

  /** Bytes of a file as programs see them now. */
  contents(path: string): Uint8Array {
    const inode = this.names.get(path);
    if (inode === undefined) throw fsError("ENOENT", path);
    return inode.bytes.slice(0, inode.size);
  }

  /** Puts bytes at a path, durable at once: for arranging a world and for playing an attacker. */
  put(path: string, bytes: Uint8Array): void {
    const inode: Inode = {
      id: this.#nextInode++,
      bytes: new Uint8Array(bytes),
      size: bytes.length,
      durable: new Uint8Array(bytes),
      pending: [],
    };
    this.names.set(path, inode);
    this.durableNames.set(path, inode);
    for (let p = folderOf(path); p !== ""; p = folderOf(p)) this.folders.add(p);
  }

  /** The same files in a fresh disk, all of it durable: what a process kill leaves. */
  copy(): SimFS {
    const disk = new SimFS();
    for (const f of this.folders) disk.folders.add(f);
    for (const [path, inode] of this.names) disk.put(path, inode.bytes.slice(0, inode.size));
    return disk;
  }
}

export function applyFolderChange(names: Map<string, Inode>, change: FolderChange): void {
  if (change.kind === "link") names.set(change.path, change.inode);
  else if (change.kind === "unlink") names.delete(change.path);
  else {
    // A name that was given to another file since is that file's: its own folder's changes stay in order.
    if (names.get(change.from) === change.inode) names.delete(change.from);
    names.set(change.to, change.inode);
  }
}

class SimFile implements DiskFile {
  readonly #disk: SimFS;
  readonly #inode: Inode;
  readonly #path: string;
  readonly #isReadOnly: boolean;
  #isOpen = true;
  constructor(disk: SimFS, inode: Inode, path: string, isReadOnly: boolean) {
    this.#disk = disk;
    this.#inode = inode;
    this.#path = path;
    this.#isReadOnly = isReadOnly;
  }

  #check(): void {
    if (!this.#isOpen) throw fsError("EBADF", this.#path);
  }

  write(bytes: Uint8Array, position: number): number {
    this.#check();
    if (this.#isReadOnly) throw fsError("EBADF", this.#path);
    const isShort = this.#disk.call(`write ${this.#path} ${position} ${bytes.length}`, true);
    let count = isShort ? Math.max(1, bytes.length >> 1) : bytes.length;
    const growth = position + count - this.#inode.size;
    if (growth > 0) {
      const free = this.#disk.capacityBytes - this.#disk.usedBytes;
      if (growth > free) count -= growth - Math.max(0, free);
      if (count <= 0) throw fsError("ENOSPC", `write ${this.#path}`);
    }
    const change: Change = { kind: "write", at: position, bytes: new Uint8Array(bytes.subarray(0, count)) };
    this.#inode.pending.push(change);
    applyChange(this.#inode, change);
    return count;
  }

  read(into: Uint8Array, position: number): number {
    this.#check();
    const count = Math.max(0, Math.min(into.length, this.#inode.size - position));
    into.set(this.#inode.bytes.subarray(position, position + count));
    return count;
  }

  size(): number {
    this.#check();
    return this.#inode.size;
  }

  truncate(length: number): void {
    this.#check();
    this.#disk.call(`truncate ${this.#path} ${length}`);
    const change: Change = { kind: "truncate", length };
    this.#inode.pending.push(change);
    applyChange(this.#inode, change);
  }

  async sync(): Promise<void> {
    this.#check();
    const covered = new Set(this.#inode.pending);
    this.#begin();
    // The device takes its time: what is appended meanwhile is not covered.
    await Promise.resolve();
    await Promise.resolve();
    this.#settle(covered);
  }

  syncNow(): void {
    this.#check();
    this.#begin();
    this.#settle(new Set(this.#inode.pending));
  }

  #begin(): void {
    try {
      this.#disk.call(`sync ${this.#path}`);
    } catch (error) {
      if ((error as { code?: string }).code !== KILLED) this.#inode.pending = [];
      throw error;
    }
  }

  #settle(covered: Set<Change>): void {
    const { pending } = this.#inode;
    this.#inode.durable = imageOf(
      this.#inode.durable,
      pending.filter((c) => covered.has(c)),
    );
    this.#inode.pending = pending.filter((c) => !covered.has(c));
  }

  close(): void {
    this.#check();
    this.#isOpen = false;
    this.#disk.openFiles--;
  }
}

function applyChange(inode: Inode, change: Change): void {
  if (change.kind === "truncate") {
    if (change.length < inode.size) inode.bytes.fill(0, change.length, inode.size);
    else grow(inode, change.length);
    inode.size = change.length;
    return;
  }
  const end = change.at + change.bytes.length;
  grow(inode, end);
  inode.bytes.set(change.bytes, change.at);
  inode.size = Math.max(inode.size, end);
}

function grow(inode: Inode, length: number): void {
  if (inode.bytes.length >= length) return;
  const bytes = new Uint8Array(Math.max(length, inode.bytes.length * 2));
  bytes.set(inode.bytes.subarray(0, inode.size));
  inode.bytes = bytes;
}

/** `base` with `changes` applied in order. */
export function imageOf(base: Uint8Array, changes: readonly Change[]): Uint8Array {
  const inode: Inode = { id: 0, bytes: new Uint8Array(base), size: base.length, durable: base, pending: [] };
  for (const change of changes) applyChange(inode, change);
  return inode.bytes.slice(0, inode.size);
}
