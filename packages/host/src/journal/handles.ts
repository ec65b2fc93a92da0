/** A bounded set of open read handles, oldest closed first. */
import type { Disk, DiskFile } from "./disk.ts";

export class Handles {
  readonly #disk: Disk;
  readonly #max: number;
  readonly #open = new Map<string, DiskFile>();
  constructor(disk: Disk, max: number) {
    this.#disk = disk;
    this.#max = max;
  }
  get(path: string): DiskFile {
    let file = this.#open.get(path);
    if (file !== undefined) return file;
    file = this.#disk.open(path, "read");
    if (this.#open.size >= this.#max) this.drop(this.#open.keys().next().value!);
    this.#open.set(path, file);
    return file;
  }
  drop(path: string): void {
    this.#open.get(path)?.close();
    this.#open.delete(path);
  }
  close(): void {
    for (const path of [...this.#open.keys()]) this.drop(path);
  }
}
