/** What a power cut may leave of a {@link SimFS}: images for the real recovery to be run on. */
import { applyFolderChange, type Change, type Inode, imageOf, SimFS } from "./sim-fs.ts";

export type Keep = "none" | "all" | "prefix" | "random";
export interface CrashStyle {
  readonly keep: Keep;
  /** Unsynced writes may be cut at multiples of this; 0 keeps or drops them whole. */
  readonly sectorBytes: 0 | 512 | 4096;
}

export const CRASH_STYLES: readonly CrashStyle[] = [
  { keep: "none", sectorBytes: 0 },
  { keep: "all", sectorBytes: 0 },
  { keep: "prefix", sectorBytes: 0 },
  { keep: "prefix", sectorBytes: 512 },
  { keep: "prefix", sectorBytes: 4096 },
  { keep: "random", sectorBytes: 0 },
  { keep: "random", sectorBytes: 512 },
  { keep: "random", sectorBytes: 4096 },
];

/** Small, seeded, good enough to pick subsets: mulberry32. */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A disk as the machine might find it after a power cut now. The disk in use is not touched. */
export function crashImage(disk: SimFS, style: CrashStyle, seed: number): SimFS {
  const random = seededRandom(seed);
  const names = new Map(disk.durableNames);
  const kept = style.keep === "prefix" ? Math.floor(random() * (disk.folderPending.length + 1)) : 0;
  disk.folderPending.forEach((change, i) => {
    const keep = style.keep === "all" || (style.keep === "prefix" ? i < kept : style.keep === "random" && random() < 0.5);
    if (keep) applyFolderChange(names, change);
  });
  const after = new SimFS();
  for (const folder of disk.folders) after.folders.add(folder);
  const bytes = new Map<Inode, Uint8Array>();
  for (const inode of new Set(names.values())) bytes.set(inode, imageOf(inode.durable, surviving(inode.pending, style, random)));
  for (const [path, inode] of names) after.put(path, bytes.get(inode)!);
  return after;
}

function surviving(pending: readonly Change[], style: CrashStyle, random: () => number): Change[] {
  if (style.keep === "none") return [];
  if (style.keep === "all") return [...pending];
  const kept: Change[] = [];
  const prefix = Math.floor(random() * (pending.length + 1));
  pending.forEach((change, i) => {
    const whole = style.keep === "prefix" ? i < prefix : random() < 0.5;
    if (whole) kept.push(change);
    else if (style.sectorBytes > 0 && change.kind === "write" && (style.keep === "random" || i === prefix))
      kept.push(...torn(change, style, random));
  });
  return kept;
}

/** The sectors of one write that made it: a prefix of them, or any. */
function torn(change: Change & { kind: "write" }, style: CrashStyle, random: () => number): Change[] {
  const { at, bytes } = change;
  const pieces: Change[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, (Math.floor((at + from) / style.sectorBytes) + 1) * style.sectorBytes - at);
    pieces.push({ kind: "write", at: at + from, bytes: bytes.subarray(from, to) });
    from = to;
  }
  if (style.keep === "prefix") return pieces.slice(0, Math.floor(random() * (pieces.length + 1)));
  return pieces.filter(() => random() < 0.5);
}
