/** {@link Files} over calls. */
import { bytesOf, type FileInfo, HoldError, textOf } from "@holdfast/protocol";
import type { FileChange, FileEntry, Files, FileState } from "../api/index.ts";
import type { CallVerb, Result } from "./connection.ts";

/** Of one call: a part with what is around it stays within a frame. */
const PART_BYTES = 512 * 1024;
/** Of a file that goes on elsewhere, how many calls are under way. */
const AHEAD = 4;
/** Of a read that waits for its reader. */
const WINDOW_BYTES = 4 * 1024 * 1024;

export type AskFiles = <K extends Result["case"]>(
  expects: K,
  verb: CallVerb,
  options?: { readonly signal?: AbortSignal | undefined; readonly more?: (r: Result) => void | Promise<void> },
) => Promise<Extract<Result, { case: K }>>;

export function filesOf(ask: AskFiles, session: string, newId: () => string): Files {
  return {
    async list(path = "") {
      const found: FileInfo[] = [];
      const more = (r: Result): void => {
        if (r.case === "fileList") found.push(...r.value.entries);
      };
      const { value } = await ask("fileList", { case: "fileList", value: { session, path: bytesOf(path) } }, { more });
      const entries = [...found, ...value.entries].map(
        (e): FileEntry => ({
          name: textOf(e.name),
          kind: e.kind as FileEntry["kind"],
          size: Number(e.size),
          modifiedUnixMs: Number(e.modifiedUnixMs),
          mode: e.mode,
          ...(e.kind === "link" ? { target: textOf(e.target) } : {}),
        }),
      );
      return { path: textOf(value.path), entries, omitted: Number(value.omitted) };
    },

    async read(path, part, { offset = 0, maxBytes = Infinity, signal } = {}) {
      // A window at a time, so that what a slow reader has not used does not pile up here; within one, parts come in order.
      for (let at = offset; ; ) {
        const end = at + Math.min(WINDOW_BYTES, offset + maxBytes - at);
        let using: Promise<void> = Promise.resolve();
        let got = 0;
        const value = { session, path: bytesOf(path), offset: BigInt(at), maxBytes: BigInt(end - at), hash: false };
        const answer = await ask(
          "fileRead",
          { case: "fileRead", value },
          {
            signal,
            more: (r) => {
              if (r.case !== "fileRead") return;
              got += r.value.data.length;
              using = using.then(() => part(r.value.data));
              return using;
            },
          },
        );
        await using;
        at += got;
        const { value: last } = answer;
        if (got < end - (at - got) || at >= offset + maxBytes)
          return {
            path: textOf(last.path),
            size: Number(last.size),
            modifiedUnixMs: Number(last.modifiedUnixMs),
            mode: last.mode,
          };
      }
    },

    async hash(path, { bytes, signal } = {}) {
      const of = bytes === undefined ? {} : { hashBytes: BigInt(bytes) };
      const value = { session, path: bytesOf(path), offset: 0n, maxBytes: 0n, hash: true, ...of };
      const answer = (await ask("fileRead", { case: "fileRead", value }, { signal })).value;
      return { ...state(answer), mode: answer.mode };
    },

    async kept(path, part, folders = false) {
      const value = { session, path: bytesOf(path), part, folders };
      return state((await ask("fileWrite", { case: "fileWrite", value })).value);
    },

    async writeOn(path, content, { part, offset, sha256, mode = 0, folders = false, signal }) {
      let at = offset;
      const under: Promise<unknown>[] = [];
      const send = async (data: Uint8Array, last: boolean): Promise<FileState> => {
        const whole = last ? { sha256: sha256() } : {};
        const value = { session, path: bytesOf(path), data, part, offset: BigInt(at), last, mode, folders, ...whole };
        at += data.length;
        return state((await ask("fileWrite", { case: "fileWrite", value }, { signal })).value);
      };
      for await (const data of partsOf(content)) {
        const sent = send(data, false);
        // Whoever waits for the oldest is told of it; the others' refusals follow from that.
        sent.catch(() => {});
        under.push(sent);
        if (under.length >= AHEAD) await under.shift();
      }
      await Promise.all(under);
      return send(new Uint8Array(0), true);
    },

    async write(path, content, { ifSha256, mode = 0, folders = false } = {}) {
      const upload = newId();
      let at = 0;
      const send = async (data: Uint8Array, last: boolean): Promise<FileState> => {
        const condition = ifSha256 === undefined ? {} : { ifSha256: ifSha256 ?? new Uint8Array(0) };
        const value = { session, path: bytesOf(path), data, upload, offset: BigInt(at), last, mode, folders, ...condition };
        at += data.length;
        return state((await ask("fileWrite", { case: "fileWrite", value })).value);
      };
      for await (const part of partsOf(content)) await send(part, false);
      return send(new Uint8Array(0), true);
    },

    async watch(path, change, signal) {
      await ask(
        "fileWatch",
        { case: "fileWatch", value: { session, path: bytesOf(path) } },
        {
          signal,
          more: (r) => {
            if (r.case === "fileWatch") change({ path: textOf(r.value.path), change: r.value.change as FileChange["change"] });
          },
        },
      ).catch((fault: unknown) => {
        if (!(fault instanceof HoldError && fault.code === "cancelled")) throw fault;
      });
    },
  };
}

function state({ path, size, sha256 }: { path: Uint8Array; size: bigint; sha256: Uint8Array }): FileState {
  return { path: textOf(path), size: Number(size), sha256 };
}

async function* partsOf(content: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content instanceof Uint8Array ? [content] : content)
    for (let at = 0; at < piece.length; at += PART_BYTES) yield piece.subarray(at, at + PART_BYTES);
}
