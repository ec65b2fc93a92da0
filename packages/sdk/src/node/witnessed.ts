/**
 * Heads that clients of one user on this machine have seen: a line for each host (formatHead), replaced whole. Several clients write it: who
 * loses that race loses seconds of what was seen, and nothing that stood there before.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { formatHead, parseHeads, type SignedHead } from "@holdfast/protocol";
import type { WitnessStore } from "../api/witness.ts";

/** Hosts that are remembered; those whose heads are oldest are forgotten. */
const MAX_HOSTS = 1_000;
/** A file that is larger is none of ours. */
const MAX_BYTES = MAX_HOSTS * 400;

export function witnessFile(path: string): WitnessStore {
  return {
    get: (hostId) => read(path).find(({ host }) => host === hostId) ?? null,
    put(hostId, head) {
      const all = read(path);
      const others = all.filter(({ host }) => host !== hostId);
      const kept = [...others, { host: hostId, ...head }].sort((a, b) => b.atUnixMs - a.atUnixMs).slice(0, MAX_HOSTS);
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        const temporary = `${path}.${process.pid}.new`;
        writeFileSync(temporary, kept.map(({ host, ...of }) => `${formatHead(host, of)}\n`).join(""), { mode: 0o600 });
        renameSync(temporary, path);
      } catch {
        // A disk that takes nothing keeps nobody from their session: what was seen is known while this process is there.
      }
    },
  };
}

function read(path: string): (SignedHead & { readonly host: string })[] {
  try {
    const text = readFileSync(path, "utf8");
    return text.length > MAX_BYTES ? [] : parseHeads(text);
  } catch {
    return [];
  }
}
