/** One line of `ls -l`, which SFTP's version 3 sends beside each name: for people, and for nobody to read back. */
import type { Stats } from "node:fs";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** Older ones are shown with their year. */
const RECENT_MS = 182 * 86_400_000;

export function longName(name: string, facts: Stats, nowUnixMs = Date.now()): string {
  const { nlink, uid, gid, size, mtime } = facts;
  const day = `${MONTHS[mtime.getUTCMonth()]} ${String(mtime.getUTCDate()).padStart(2)}`;
  const age = nowUnixMs - mtime.getTime();
  const time = age >= 0 && age < RECENT_MS ? mtime.toISOString().slice(11, 16) : ` ${mtime.getUTCFullYear()}`;
  const numbers = `${String(nlink).padStart(4)} ${String(uid).padEnd(8)} ${String(gid).padEnd(8)} ${String(size).padStart(10)}`;
  return `${kindOf(facts)}${rightsOf(facts.mode)} ${numbers} ${day} ${time} ${name}`;
}

function kindOf(facts: Stats): string {
  if (facts.isDirectory()) return "d";
  if (facts.isSymbolicLink()) return "l";
  if (facts.isSocket()) return "s";
  if (facts.isFIFO()) return "p";
  return facts.isCharacterDevice() ? "c" : facts.isBlockDevice() ? "b" : "-";
}

function rightsOf(mode: number): string {
  const of = (bits: number, special: boolean, letter: string): string => {
    const x = bits & 1 ? (special ? letter : "x") : special ? letter.toUpperCase() : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${x}`;
  };
  return (
    of(mode >> 6, (mode & 0o4000) !== 0, "s") + of(mode >> 3, (mode & 0o2000) !== 0, "s") + of(mode, (mode & 0o1000) !== 0, "t")
  );
}
