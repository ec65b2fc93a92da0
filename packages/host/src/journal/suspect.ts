/**
 * Which files' syncs are not known to have succeeded: `suspect`, one byte (`!` while one is under way or failed) and names, a line
 * each. A failed sync may have dropped bytes that are still read, and the next one succeeds without them, also in the next life
 * (reliability L12).
 *   X1  Names go in before their files are synced; the mark goes out when all that they held is on the device, there or elsewhere.
 *   X2  A life that finds a file marked never syncs it: its bytes go to a new file, which is synced and takes its name.
 * It must outlive a process and not a power cut, after which everything read comes from the device: so it is never synced itself,
 * and a sync costs two small writes more.
 */
import type { Disk, DiskFile } from "./disk.ts";
import { readFile, replaceFile, writeWhole } from "./transfer.ts";

const LIST = "suspect";
const MARKED = "!";
const CLEAR = Buffer.from(".");

export class Suspects {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #file: DiskFile;
  /** Marked by an earlier life, and not yet copied. */
  readonly #found: Set<string>;
  /** What the file says now. */
  #listed = new Set<string>();
  #isMarked = false;
  #bytes = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
    const path = `${folder}/${LIST}`;
    const isThere = disk.exists(path);
    const [mark, ...names] = isThere ? readFile(disk, path).toString().split("\n") : [];
    this.#found = new Set(mark === MARKED ? names.filter((name) => /^(?:ledger|payload)\/[^/]+$/.test(name)) : []);
    this.#file = disk.open(path, isThere ? "readwrite" : "create-new");
    this.#bytes = this.#file.size();
    this.#listed = new Set(this.#found);
    this.#isMarked = this.#found.size > 0;
  }

  /** X1: syncs of these begin. Where the mark can't be written, the syncs are tried all the same: this life knows how they end. */
  begin(names: readonly string[]): void {
    const isNew = names.some((name) => !this.#listed.has(name));
    if (this.#isMarked && !isNew) return;
    if (isNew) this.#listed = new Set(this.#isMarked ? [...this.#listed, ...names] : names);
    this.#isMarked = true;
    try {
      this.#write(isNew ? Buffer.from([MARKED, ...this.#listed, ""].join("\n")) : Buffer.from(MARKED));
    } catch {
      this.#listed.clear();
    }
  }

  /** What they held is on the device. A mark that can't be taken away costs the next life a copy. */
  end(): void {
    if (!this.#isMarked) return;
    this.#isMarked = false;
    try {
      this.#write(CLEAR);
    } catch {
      /* more is suspected than must be */
    }
  }

  #write(bytes: Buffer): void {
    // Names of a longer list may stand after it, whole or in part: padded over.
    const padded =
      bytes.length > 1 && bytes.length < this.#bytes
        ? Buffer.concat([bytes, Buffer.alloc(this.#bytes - bytes.length, "\n")])
        : bytes;
    writeWhole(this.#file, padded, 0);
    this.#bytes = Math.max(this.#bytes, padded.length);
  }

  /** Makes files that nobody writes durable, blocking: by a sync, and where that fails or failed before by X2. Throws if neither can be done. */
  secure(names: readonly string[]): void {
    this.begin(names);
    for (const name of names) {
      if (!this.#disk.exists(`${this.#folder}/${name}`)) continue;
      if (this.#found.has(name) || !this.#sync(name)) this.#copy(name);
      this.#found.delete(name);
    }
  }

  /** The rest of what an earlier life marked; then nothing is. */
  secureRest(): void {
    this.secure([...this.#found]);
    this.end();
  }

  #sync(name: string): boolean {
    const file = this.#disk.open(`${this.#folder}/${name}`, "readwrite");
    try {
      file.syncNow();
      return true;
    } catch {
      return false;
    } finally {
      file.close();
    }
  }

  #copy(name: string): void {
    const slash = name.indexOf("/");
    const bytes = readFile(this.#disk, `${this.#folder}/${name}`);
    replaceFile(this.#disk, `${this.#folder}/${name.slice(0, slash)}`, name.slice(slash + 1), bytes, true);
  }

  close(): void {
    this.#file.close();
  }
}
