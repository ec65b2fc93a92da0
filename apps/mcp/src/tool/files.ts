/**
 * Files of a session's machine, as its user, where who may type may read and write them.
 *
 *   F1  A file is told in pieces of whole characters, with where the next one begins; the hash is of the whole file, for a later write. Of one
 *       that a piece has whole it is of the very bytes that are told.
 *   F2  What can't be told to the letter (controls, invisible characters, bytes that are no UTF-8) says so: text with an escape in it must not
 *       be written back for what it stood for.
 *   F3  A write replaces the file whole or not at all; with `if_sha256` only if nobody has changed it since.
 */
import { createHash } from "node:crypto";
import { escapeLines, HoldError } from "@holdfast/sdk";
import { limits } from "../text/limits.ts";
import type { Call } from "./call.ts";
import { answer, type Facts, fitting, marked, sizeOf, type ToolResult } from "./result.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export async function fileList(call: Call, args: { session: string; path: string }): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const { path, entries, omitted } = await client.files(session.id).list(args.path);
    const told = entries.map(
      ({ name, kind, size, modifiedUnixMs, mode, target }): Facts => ({
        ...{ name, kind, size, mode: mode.toString(8) },
        modified: new Date(modifiedUnixMs).toISOString(),
        target,
      }),
    );
    return fitting(told, (shown, left) => ({
      session: session.id,
      untrusted: true,
      path,
      entries: shown,
      left_out: left + omitted,
      ...(left + omitted > 0 ? { next_step: "list a folder below it, or use exec with find" } : {}),
    }));
  });
}

export async function fileRead(
  call: Call,
  args: { session: string; path: string; offset: number; max_bytes: number },
): Promise<ToolResult> {
  return call.way.read(async (client) => {
    const session = await client.show(args.session);
    const files = client.files(session.id);
    const parts: Uint8Array[] = [];
    const most = Math.min(args.max_bytes, limits.maxTextBytes);
    const { path, size, modifiedUnixMs } = await files.read(args.path, (bytes) => void parts.push(Uint8Array.from(bytes)), {
      offset: args.offset,
      maxBytes: most,
      signal: call.signal,
    });
    const bytes = Buffer.concat(parts);
    // A second look could see another file than the one that is told, and would be asked about by itself.
    const isWhole = args.offset === 0 && bytes.length === size;
    const sha256 = isWhole ? createHash("sha256").update(bytes).digest() : (await files.hash(args.path)).sha256;
    const facts = {
      session: session.id,
      path,
      size,
      sha256: hex(sha256),
      modified: new Date(modifiedUnixMs).toISOString(),
      offset: args.offset,
    };
    for (let length = bytes.length; ; length = Math.floor(length * 0.7)) {
      const result = told(facts, wholeCharacters(bytes.subarray(0, length), args.offset + length >= size), size);
      if (sizeOf(result) <= limits.resultBytes || length < 64) return result;
    }
  });
}

/** F1: without the beginning of a character that the piece cuts. */
function wholeCharacters(bytes: Uint8Array, isEnd: boolean): Uint8Array {
  if (isEnd) return bytes;
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return bytes.subarray(0, bytes.length - back);
  }
  return bytes;
}

function told(facts: Facts & { readonly offset: number }, bytes: Uint8Array, size: number): ToolResult {
  const end = facts.offset + bytes.length;
  const more = { ...facts, next_offset: end < size ? end : null };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return answer({
      ...more,
      is_text: false,
      next_step: "it is no UTF-8 text: use exec with a program that reads it (file, xxd)",
    });
  }
  const shown = escapeLines(text);
  const result = answer({ ...more, is_text: true, is_exact: shown === text });
  result.structuredContent["content"] = { untrusted: true, text: shown };
  result.content = [
    {
      type: "text",
      text: [...result.content.flatMap((block) => (block.type === "text" ? [block.text] : [])), marked("content", shown)].join(
        "\n",
      ),
    },
  ];
  return result;
}

export async function fileWrite(
  call: Call,
  args: { session: string; path: string; text: string; if_sha256?: string | undefined; folders: boolean },
): Promise<ToolResult> {
  return call.way.change(async (client) => {
    const session = await client.show(args.session);
    const written = await client.files(session.id).write(args.path, Buffer.from(args.text), {
      folders: args.folders,
      ...(args.if_sha256 === undefined ? {} : { ifSha256: wanted(args.if_sha256) }),
    });
    return answer({
      session: session.id,
      actor: client.operator.operator?.id,
      path: written.path,
      size: written.size,
      sha256: hex(written.sha256),
    });
  });
}

function wanted(text: string): Uint8Array | null {
  if (text === "none") return null;
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new HoldError(
      "bad_request",
      "if_sha256 is the 64 hex digits of an earlier file_read, or `none` for a file that must not be there",
    );
  return Buffer.from(text, "hex");
}
