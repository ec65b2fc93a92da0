/** `hold cp`. */
import { createHash } from "node:crypto";
import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { bytesOf, escapeText, type Files, HoldError, textOf } from "@holdfast/sdk";
import { type Copied, type CopyOptions, copyHere, copyThere } from "@holdfast/sdk/node";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { meant } from "./led.ts";
import { parsePlace } from "../read/place.ts";
import { bytesText } from "../show/time.ts";
import { Progress } from "./progress.ts";
import { printFile } from "./print-file.ts";

interface CpFlags {
  recursive: boolean;
  json: boolean;
}

/** One file: where it is and where it goes. */
type Pair = readonly [from: string, to: string];

export async function run(context: Context, flags: CpFlags, args: readonly string[]): Promise<number | undefined> {
  const [from, to] = args.map(parsePlace) as [ReturnType<typeof parsePlace>, ReturnType<typeof parsePlace>];
  if ((from.session === undefined) === (to.session === undefined))
    throw usage(
      "one of the two is of a session (SESSION:PATH) and the other is of this machine; a path with a colon begins with ./",
    );
  const session = meant(context, (from.session ?? to.session)!);
  const files = (await context.client()).files(session);
  if (flags.recursive && (from.path === "-" || to.path === "-")) throw usage("-r copies folders, and `-` is one stream");
  if (to.session === undefined && to.path === "-") return printFile(context, files, from.path);
  if (from.session === undefined && from.path === "-") return fromInput(context, flags, files, to.path);

  const isHere = to.session === undefined;
  const left: string[] = [];
  const pairs = isHere
    ? await pairsHere(files, from.path, to.path, flags, left)
    : await pairsThere(files, from.path, to.path, flags, left);
  for (const [source, place] of pairs) {
    const progress = new Progress(context.err, basename(source));
    const options: CopyOptions = {
      ...{ files, signal: context.cancelled, folders: flags.recursive },
      progress: (done, of) => progress.at(done, of),
    };
    try {
      tell(context, flags, source, await (isHere ? copyHere : copyThere)(source, place, options));
    } finally {
      progress.end();
    }
  }
  for (const path of left) line(context.err, escapeText(`left out: ${path} is no file and no folder`));
  return left.length > 0 ? 1 : undefined;
}

async function fromInput(context: Context, flags: CpFlags, files: Files, path: string): Promise<undefined> {
  if (path === "" || path.endsWith("/")) throw usage("standard input has no name: name the file that it becomes");
  const hash = createHash("sha256");
  const content = (async function* () {
    for await (const part of context.input.bytes()) {
      hash.update(part);
      yield part;
    }
  })();
  const wrote = await files.write(path, content);
  if (!hash.digest().equals(wrote.sha256))
    throw new HoldError("file_damaged", `${wrote.path} is not what was sent; send it again`, { path: wrote.path });
  tell(context, flags, "-", { ...wrote, resumedAt: 0 });
}

function tell(context: Context, flags: CpFlags, from: string, { path, size, sha256, resumedAt }: Copied): void {
  const hash = Buffer.from(sha256).toString("hex");
  if (flags.json) jsonLine(context.out, { from, to: path, bytes: size, sha256: hash, resumedAt });
  else if (context.err.isTty) line(context.err, escapeText(`${from} → ${path}: ${bytesText(size)}, SHA-256 ${hash}`));
}

// --- which files ---

async function pairsHere(files: Files, from: string, to: string, flags: CpFlags, left: string[]): Promise<readonly Pair[]> {
  const name = posix.basename(from);
  const place = (await isFolderHere(to)) ? join(to, name === "" || name === "." || name === ".." ? "" : name) : to;
  if (!flags.recursive) return [[from, place]];
  const pairs: Pair[] = [];
  await walkThere(files, from, place, pairs, left);
  return pairs;
}

async function walkThere(files: Files, from: string, to: string, pairs: Pair[], left: string[]): Promise<void> {
  const listed = await files.list(from).catch((fault: unknown) => {
    if (fault instanceof HoldError && fault.code === "no_such_file") return null;
    throw fault;
  });
  if (!listed) return void pairs.push([from, to]);
  if (listed.omitted > 0)
    throw new HoldError(
      "too_many",
      `${listed.path} has ${listed.omitted} entries more than can be listed; copy folders below it`,
    );
  await mkdir(exact(to), { recursive: true });
  for (const { name, kind } of listed.entries) {
    // What the other machine says is in a folder leads to nowhere else here.
    if (name === "" || name === "." || name === ".." || /[/\0]/.test(name))
      throw new HoldError("bad_request", `${listed.path} is said to hold ${JSON.stringify(name)}, which is no name`);
    const [source, place] = [posix.join(listed.path, name), join(to, name)];
    if (kind === "folder") await walkThere(files, source, place, pairs, left);
    else if (kind === "file") pairs.push([source, place]);
    else left.push(source);
  }
}

async function pairsThere(files: Files, from: string, to: string, flags: CpFlags, left: string[]): Promise<readonly Pair[]> {
  const isInto = to === "" || to.endsWith("/") || (await isFolderThere(files, to));
  const name = basename(from);
  const place =
    isInto && name !== "" && name !== "." && name !== ".." ? `${to}${to === "" || to.endsWith("/") ? "" : "/"}${name}` : to;
  const isFolder = await isFolderHere(from);
  if (isFolder && !flags.recursive) throw usage(`${from} is a folder: copy it with -r`);
  if (!isFolder) return [[from, place]];
  const pairs: Pair[] = [];
  await walkHere(from, place, pairs, left);
  return pairs;
}

async function walkHere(from: string, to: string, pairs: Pair[], left: string[]): Promise<void> {
  const entries = await readdir(exact(from), { withFileTypes: true, encoding: "buffer" });
  const named = entries.map((e) => [textOf(e.name), e] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, entry] of named) {
    const [source, place] = [join(from, name), to === "" ? name : posix.join(to, name)];
    if (entry.isDirectory()) await walkHere(source, place, pairs, left);
    else if (entry.isFile()) pairs.push([source, place]);
    else left.push(source);
  }
}

async function isFolderHere(path: string): Promise<boolean> {
  return (await stat(exact(path)).catch(() => null))?.isDirectory() ?? false;
}

async function isFolderThere(files: Files, path: string): Promise<boolean> {
  try {
    await files.list(path);
    return true;
  } catch (fault) {
    if (fault instanceof HoldError && fault.code === "no_such_file") return false;
    throw fault;
  }
}

const exact = (path: string): Buffer => Buffer.from(bytesOf(path));
