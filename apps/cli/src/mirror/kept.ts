/**
 * What is known of the mirrors that contexts name: `mirrors/CONTEXT.json` in the folder of config.toml, 0600, as it holds the key that the record is read with.
 * How far a reader has seen stands there too: an older head is then known to be one.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { usage } from "../app/fail.ts";

export interface KeptMirror {
  readonly url: string;
  readonly bucket: string;
  /** Text of a NATS credentials file. */
  readonly creds?: string;
  readonly hostId: string;
  /** base64url. */
  readonly key: string;
  readonly seen?: { readonly epoch: number; readonly serial: number };
}

const fileOf = (folder: string, context: string): string => join(folder, "mirrors", `${context}.json`);

export function readMirror(folder: string, context: string): KeptMirror {
  const file = fileOf(folder, context);
  try {
    return JSON.parse(readFileSync(file, "utf8")) as KeptMirror;
  } catch (cause) {
    throw usage(
      `${file} can't be read (${(cause as Error).message}); say where the mirror is again: hold context set ${context} --mirror URL`,
    );
  }
}

export function writeMirror(folder: string, context: string, mirror: KeptMirror): void {
  const file = fileOf(folder, context);
  mkdirSync(join(folder, "mirrors"), { recursive: true, mode: 0o700 });
  // Of its own: others may read the same mirror at this moment, and each writes how far.
  const temporary = `${file}.${randomUUID()}.new`;
  try {
    writeFileSync(temporary, `${JSON.stringify(mirror, null, 1)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, file);
  } catch (fault) {
    rmSync(temporary, { force: true });
    throw fault;
  }
}

/** Keeps how far `mirror` was seen, unless the context names another by now, or none, or somebody has seen further. */
export function keepSeen(folder: string, context: string, mirror: KeptMirror, seen: NonNullable<KeptMirror["seen"]>): void {
  if (!existsSync(fileOf(folder, context))) return;
  const now = readMirror(folder, context);
  if ((["url", "bucket", "hostId", "key"] as const).some((what) => now[what] !== mirror[what])) return;
  const { epoch, serial } = now.seen ?? { epoch: 0, serial: 0 };
  if (seen.epoch > epoch || (seen.epoch === epoch && seen.serial > serial)) writeMirror(folder, context, { ...now, seen });
}

export function forgetMirror(folder: string, context: string): void {
  if (existsSync(fileOf(folder, context))) rmSync(fileOf(folder, context));
}

const PREFIX = "holdmirror1";

/** As `hold host mirror key` prints it: `holdmirror1.HOST-ID.KEY`. */
export function formatKey({ hostId, key }: Pick<KeptMirror, "hostId" | "key">): string {
  return `${PREFIX}.${hostId}.${key}`;
}

export function parseKey(text: string): Pick<KeptMirror, "hostId" | "key"> {
  const [, hostId, key] = /^holdmirror1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/.exec(text.trim()) ?? [];
  if (hostId === undefined || key === undefined)
    throw usage(`that is no key of a mirror: \`hold host mirror key\` prints one, ${PREFIX}.…, and it must be copied whole`);
  return { hostId, key };
}
