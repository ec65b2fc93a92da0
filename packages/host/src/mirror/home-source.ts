/** The files of a home that make up its record, for the copier; what the host alone knows is asked of it. */
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { files, folders } from "@holdfast/carrier";
import type { Source } from "./copier.ts";
import type { Found } from "./pieces.ts";

/** Looked at so many at once: a thousand sessions have some thousand files. */
const LOOKS = 64;

export interface HomePlaces {
  readonly journal: string;
  readonly checkpoints: string;
  readonly operators: string;
}

export function placesOf(home: string): HomePlaces {
  return { journal: folders.journal(home), checkpoints: folders.checkpoints(home), operators: files.operators(home) };
}

/** Where a path of a mirror lies in a home; null for one that is none of ours. */
export function pathIn({ journal, checkpoints, operators }: HomePlaces, path: string): string | null {
  if (path === "operators.json") return operators;
  const [, kind, name = ""] = /^(ledger|payload|checkpoints)\/([A-Za-z0-9_%.-]+)$/.exec(path) ?? [];
  if (kind === undefined || name.startsWith(".")) return null;
  return kind === "checkpoints" ? join(checkpoints, name) : join(journal, kind, name);
}

export function homeSource(home: string, host: Pick<Source, "moment" | "sessions">): Source {
  const places = placesOf(home);
  return {
    ...host,
    nowMs: () => Date.now(),
    async list(kind) {
      if (kind === "aside") {
        const checkpoints = await named(places.checkpoints, "checkpoints", /\.checkpoint$/);
        return found([...checkpoints, { path: "operators.json", file: places.operators }]);
      }
      const segments = await named(join(places.journal, "ledger"), "ledger", /^(\d{10}\.seg|pruned)$/);
      const payloads = await named(join(places.journal, "payload"), "payload", /\.pay$/);
      return found([...segments, ...payloads]);
    },
    async read(path, from, bytes) {
      const file = pathIn(places, path);
      if (file === null) return null;
      const handle = await open(file, "r").catch(gone);
      if (!handle) return null;
      try {
        const content = Buffer.alloc(bytes);
        let at = 0;
        while (at < bytes) {
          const { bytesRead } = await handle.read(content, at, bytes - at, from + at);
          if (bytesRead === 0) return null;
          at += bytesRead;
        }
        return content;
      } finally {
        await handle.close();
      }
    },
  };
}

interface Named {
  readonly path: string;
  readonly file: string;
}

async function named(folder: string, kind: string, wanted: RegExp): Promise<Named[]> {
  const names = (await readdir(folder).catch(gone)) ?? [];
  return names
    .filter((name) => wanted.test(name))
    .map((name) => ({ path: `${kind}/${basename(name)}`, file: join(folder, name) }));
}

async function found(all: readonly Named[]): Promise<Found[]> {
  const seen: Found[] = [];
  for (let at = 0; at < all.length; at += LOOKS) {
    const some = all.slice(at, at + LOOKS);
    const looked = await Promise.all(some.map(({ file }) => stat(file).catch(gone)));
    for (const [i, s] of looked.entries()) if (s) seen.push({ path: some[i]!.path, bytes: s.size, modifiedMs: s.mtimeMs });
  }
  return seen;
}

/** What is not there is no fault: it was dropped meanwhile. */
function gone(fault: NodeJS.ErrnoException): null {
  if (fault.code === "ENOENT") return null;
  throw fault;
}
