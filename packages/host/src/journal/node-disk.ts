/** The real disk: files 0600, folders 0700, synchronous reads and writes, syncs on libuv's thread pool. */
import * as fs from "node:fs";
import type { Disk, DiskFile } from "./disk.ts";

class NodeFile implements DiskFile {
  readonly #fd: number;
  constructor(fd: number) {
    this.#fd = fd;
  }
  write(bytes: Uint8Array, position: number): number {
    return fs.writeSync(this.#fd, bytes, 0, bytes.length, position);
  }
  read(into: Uint8Array, position: number): number {
    return into.length === 0 ? 0 : fs.readSync(this.#fd, into, 0, into.length, position);
  }
  size(): number {
    return fs.fstatSync(this.#fd).size;
  }
  truncate(length: number): void {
    fs.ftruncateSync(this.#fd, length);
  }
  sync(): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.fdatasync(this.#fd, (error) => (error === null || error === undefined ? resolve() : reject(error))),
    );
  }
  syncNow(): void {
    fs.fdatasyncSync(this.#fd);
  }
  close(): void {
    fs.closeSync(this.#fd);
  }
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = fs.constants;
const FLAGS = {
  read: O_RDONLY | O_NOFOLLOW,
  readwrite: O_RDWR | O_NOFOLLOW,
  "create-new": O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
};

export class NodeDisk implements Disk {
  open(path: string, mode: "read" | "readwrite" | "create-new"): DiskFile {
    return new NodeFile(fs.openSync(path, FLAGS[mode], 0o600));
  }
  list(folder: string): string[] {
    return fs.readdirSync(folder).sort();
  }
  exists(path: string): boolean {
    return fs.existsSync(path);
  }
  mkdir(path: string): void {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }
  remove(path: string): void {
    fs.unlinkSync(path);
  }
  removeLater(path: string): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.unlink(path, (error) => (error === null || error === undefined ? resolve() : reject(error))),
    );
  }
  syncFolder(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.open(path, O_RDONLY | O_DIRECTORY, (openError, fd) => {
        if (openError !== null) return reject(openError);
        fs.fsync(fd, (error) => fs.close(fd, () => (error === null || error === undefined ? resolve() : reject(error))));
      });
    });
  }
  syncFolderNow(path: string): void {
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
}
