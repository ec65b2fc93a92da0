/**
 * Whether the far end of a connection still answers. A reader of events says nothing of its own, what is written to it is taken by the kernel, and
 * the kernel gives a peer that has vanished a quarter of an hour: so it is asked how often it has sent the same again. Where it does not tell
 * (no Linux), nobody is taken for gone.
 */
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];
/** Of a line of them (proc(5)), split at blanks. */
const [RETRANSMITS, INODE] = [6, 9];
/** One reading serves whoever asks meanwhile: with many streams it is a long text. */
const KEPT_MS = 1_000;

let reading: Promise<ReadonlyMap<number, number>> | null = null;

/** How many times in a row the oldest of what was sent has been sent again, without an answer. */
export async function unanswered(socket: Socket | null): Promise<number> {
  const { fd = -1 } = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null } | null)?._handle ?? {};
  if (fd < 0) return 0;
  const inode = fstatSync(fd).ino;
  if (!reading) {
    reading = read();
    setTimeout(() => {
      reading = null;
    }, KEPT_MS).unref();
  }
  return (await reading).get(inode) ?? 0;
}

async function read(): Promise<ReadonlyMap<number, number>> {
  const texts = await Promise.all(TABLES.map((path) => readFile(path, "latin1").catch(() => "")));
  const counts = new Map<number, number>();
  for (const line of texts.join("\n").split("\n")) {
    const fields = line.trim().split(/\s+/);
    const count = Number.parseInt(fields[RETRANSMITS] ?? "", 16);
    if (count > 0) counts.set(Number(fields[INODE]), count);
  }
  return counts;
}
