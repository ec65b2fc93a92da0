/** Whole reads and writes over a disk that may do less than it was asked. */
import type { Disk, DiskFile } from "./disk.ts";
import { errorCode } from "./fault.ts";

const INTERRUPTED_TRIES = 16;

/** Writes all of `bytes` or throws; a short write is continued, as the error only comes with the next one (reliability L11). */
export function writeWhole(file: DiskFile, bytes: Uint8Array, position: number): void {
  let done = 0;
  let interrupted = 0;
  while (done < bytes.length) {
    let taken: number;
    try {
      taken = file.write(done === 0 ? bytes : bytes.subarray(done), position + done);
    } catch (error) {
      if (errorCode(error) === "EINTR" && ++interrupted < INTERRUPTED_TRIES) continue;
      throw error;
    }
    if (taken <= 0) throw Object.assign(new Error("the disk took no bytes"), { code: "EIO" });
    done += taken;
  }
}

/** Fills `into` from `position` as far as the file goes; returns the count. */
export function readWhole(file: DiskFile, into: Uint8Array, position: number): number {
  let done = 0;
  let interrupted = 0;
  while (done < into.length) {
    let count: number;
    try {
      count = file.read(done === 0 ? into : into.subarray(done), position + done);
    } catch (error) {
      if (errorCode(error) === "EINTR" && ++interrupted < INTERRUPTED_TRIES) continue;
      throw error;
    }
    if (count <= 0) break;
    done += count;
  }
  return done;
}

export function readFile(disk: Disk, path: string, maxBytes = 0x7fff_ffff): Buffer {
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.allocUnsafe(Math.min(file.size(), maxBytes));
    return bytes.subarray(0, readWhole(file, bytes, 0));
  } finally {
    file.close();
  }
}

/** Puts `bytes` at `path` whole or not at all, durable when it resolves, off the loop. */
export async function replaceFileLater(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${folder}/${name}.tmp`;
  if (disk.exists(temporary)) disk.remove(temporary);
  const file = disk.open(temporary, "create-new");
  try {
    writeWhole(file, bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(temporary, `${folder}/${name}`);
  await disk.syncFolder(folder);
}

/** Puts `bytes` at `path` whole or not at all. With `sync` it survives a power cut, otherwise it is a cache. */
export function replaceFile(disk: Disk, folder: string, name: string, bytes: Uint8Array, sync: boolean): void {
  const temporary = `${folder}/${name}.tmp`;
  if (disk.exists(temporary)) disk.remove(temporary);
  const file = disk.open(temporary, "create-new");
  try {
    writeWhole(file, bytes, 0);
    if (sync) file.syncNow();
  } finally {
    file.close();
  }
  disk.rename(temporary, `${folder}/${name}`);
  if (sync) disk.syncFolderNow(folder);
}
