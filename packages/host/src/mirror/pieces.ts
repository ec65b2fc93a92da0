/**
 * What of a host's files is in its mirror, and what is to be copied next: pure, over names, sizes and times.
 *
 *   M1  A file is cut into pieces of {@link PIECE_BYTES}, and each is an object that is named by its content, so that what is there is not copied twice.
 *   M2  A file whose size and time are as they were is not read. Where nothing was erased meanwhile, of one that has only grown no piece is read that was full.
 *   M3  A file that changed so shortly before it was read that its time may not tell of the next change is looked at again.
 *   M4  An object goes when a head that does not name it has been written, and never before.
 */

/** Small enough to be encrypted at once, and so many to a segment that an erasure copies an eighth of it again. */
export const PIECE_BYTES = 2 * 1024 * 1024;
/** M3: coarser than any file system's clock. */
const RACY_MS = 2_000;

/** A file of the home as it lies there. `bytes`: how much of it is copied, which of the newest segment is less than it may have by now. */
export interface Found {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** The same as the mirror has it. */
export interface Copied extends Found {
  /** Names of its pieces' objects. */
  readonly pieces: readonly string[];
}

export interface Reading {
  readonly path: string;
  readonly bytes: number;
  /** From this piece on it is read; those before are what they were. */
  readonly fromPiece: number;
  readonly kept: readonly string[];
}

/** M2: what has to be read of what was found, and what is as it was. `isGrowingOnly`: nothing was erased since `before`. */
export function toRead(
  before: ReadonlyMap<string, Copied>,
  found: readonly Found[],
  { isGrowingOnly, pieceBytes }: { readonly isGrowingOnly: boolean; readonly pieceBytes: number },
): { readonly unchanged: readonly Copied[]; readonly readings: readonly Reading[] } {
  const unchanged: Copied[] = [];
  const readings: Reading[] = [];
  for (const { path, bytes, modifiedMs } of found) {
    const had = before.get(path);
    if (had && had.bytes === bytes && had.modifiedMs === modifiedMs) {
      unchanged.push(had);
      continue;
    }
    const grew = isGrowingOnly && growsAtItsEnd(path) && had !== undefined && had.bytes <= bytes;
    const fromPiece = grew ? Math.floor(had.bytes / pieceBytes) : 0;
    readings.push({ path, bytes, fromPiece, kept: grew ? had.pieces.slice(0, fromPiece) : [] });
  }
  return { unchanged, readings };
}

const growsAtItsEnd = (path: string): boolean => path.endsWith(".seg") || path.endsWith(".pay");

export function piecesOf(bytes: number, pieceBytes: number): number {
  return Math.ceil(bytes / pieceBytes);
}

/** M3: the time to remember of a file that was looked at, at `nowMs`; one that no file has, if it may be changed again within it. */
export function timeToKeep(modifiedMs: number, nowMs: number): number {
  return nowMs - modifiedMs < RACY_MS ? 0 : modifiedMs;
}

/** M4: of the objects that there are, those that no file needs. */
export function unneeded(present: Iterable<string>, files: Iterable<Copied>): string[] {
  const needed = new Set<string>();
  for (const file of files) for (const piece of file.pieces) needed.add(piece);
  return [...present].filter((name) => !needed.has(name));
}

/** How much of what was found the mirror has not. */
export function lagOf(before: ReadonlyMap<string, Copied>, found: readonly Found[]): number {
  let bytes = 0;
  for (const file of found) bytes += Math.max(0, file.bytes - (before.get(file.path)?.bytes ?? 0));
  return bytes;
}

/** Segments as a session's line of the head has them: `1-3,7`. */
export function writeRuns(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

export function readRuns(text: string): number[] {
  return text.split(",").flatMap((run) => {
    const [from, to = from] = run.split("-").map(Number);
    return run === "" ? [] : Array.from({ length: to! - from! + 1 }, (_, i) => from! + i);
  });
}
