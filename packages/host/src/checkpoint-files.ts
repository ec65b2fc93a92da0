/** Checkpoints as files: one a session, replaced whole, so that a crash leaves the old one or the new one. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Checkpoint, CheckpointStore } from "./session/ports.ts";

/** Layout: length of the JSON head (u32, big-endian), head, vt. */
const HEAD_BYTES = 4;

export function checkpointFiles(folder: string, log: (text: string) => void): CheckpointStore {
  /** Since their last save began; ids are never given again. */
  const removed = new Set<string>();
  const pathOf = (session: string): string => join(folder, `${session}.checkpoint`);
  return {
    load(session) {
      const path = pathOf(session);
      if (!existsSync(path)) return null;
      try {
        const bytes = readFileSync(path);
        const headEnd = HEAD_BYTES + bytes.readUInt32BE(0);
        const head = JSON.parse(bytes.toString("utf8", HEAD_BYTES, headEnd)) as {
          seq: number;
          position: number;
          offset: number;
          cols: number;
          rows: number;
          title: string;
          undo: string;
          crc: number;
        };
        if (crc32(bytes.subarray(headEnd)) !== head.crc) throw new Error("its bytes are not those that were written");
        const { seq, position, offset, cols, rows, title, undo } = head;
        return {
          seq,
          position,
          snapshot: { offset, cols, rows, title, undo: Buffer.from(undo, "base64"), vt: bytes.subarray(headEnd) },
        };
      } catch (fault) {
        log(`checkpoint ${path} can't be read, the screen is rebuilt from the journal: ${String(fault)}`);
        return null;
      }
    },
    async save(session, { seq, position, snapshot }: Checkpoint) {
      const { offset, cols, rows, title } = snapshot;
      const head = Buffer.from(
        JSON.stringify({
          seq,
          position,
          offset,
          cols,
          rows,
          title,
          undo: Buffer.from(snapshot.undo).toString("base64"),
          crc: crc32(snapshot.vt),
        }),
      );
      const length = Buffer.alloc(HEAD_BYTES);
      length.writeUInt32BE(head.length);
      const path = pathOf(session);
      removed.delete(session);
      const file = await open(`${path}.new`, "w", 0o600);
      try {
        await file.writev([length, head, snapshot.vt]);
        await file.sync();
      } finally {
        await file.close();
      }
      // Removed while it was written: what nobody can read must not come back.
      if (removed.has(session)) return rmSync(`${path}.new`, { force: true });
      await rename(`${path}.new`, path);
      if (removed.has(session)) return rmSync(path, { force: true });
      syncFolder(folder);
    },
    remove(session) {
      removed.add(session);
      if (!existsSync(pathOf(session))) return;
      rmSync(pathOf(session), { force: true });
      syncFolder(folder);
    },
  };
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  fsyncSync(fd);
  closeSync(fd);
}
