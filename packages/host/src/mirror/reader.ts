/**
 * Reads a host's record from its mirror, into a folder that is laid out as the host's home.
 *
 *   D1  Nothing is believed before it is known to be what the host wrote: the head by the host's signature, each piece by its name in that head.
 *   D2  Of one session only what holds its records and its output is fetched.
 *   D3  The host goes on writing meanwhile: where a piece is gone because a newer head has replaced it, that head is read, and what is not as it says is
 *       fetched. What is wrong with one and the same head was not the host.
 */
import { constants, mkdirSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fromBinary, HoldError, type Session, SessionSchema, SessionState } from "@holdfast/protocol";
import { parsePayloadName } from "../journal/payload-format.ts";
import { segmentName } from "../journal/format.ts";
import { inHands } from "./hands.ts";
import { decodeHead, type Head, type Seen } from "./head.ts";
import { type HomePlaces, pathIn } from "./home-source.ts";
import { type Copied, piecesOf, readRuns } from "./pieces.ts";
import { headName, type MirrorKeys, pieceName, tampered, unseal } from "./sealed.ts";
import type { ObjectStore } from "./store.ts";

const AT_ONCE = 4;
/** Each fetches less than the one before, unless the host writes faster than that. */
const TRIES = 20;

/** D3: what is wrong, if no newer head is there. */
class Replaced extends Error {
  readonly fault: HoldError;

  constructor(fault: HoldError) {
    super(fault.message);
    this.fault = fault;
  }
}

export class MirrorReader {
  readonly #store: ObjectStore;
  readonly #keys: MirrorKeys;
  readonly #hostId: string;
  #head: Head;
  /** Names of the pieces that are in the folder, by path. */
  readonly #fetched = new Map<string, (string | undefined)[]>();

  private constructor(store: ObjectStore, keys: MirrorKeys, hostId: string, head: Head) {
    this.#store = store;
    this.#keys = keys;
    this.#hostId = hostId;
    this.#head = head;
  }

  static async open(store: ObjectStore, keys: MirrorKeys, hostId: string, seen: Seen | null): Promise<MirrorReader> {
    return new MirrorReader(store, keys, hostId, await readHead(store, keys, hostId, seen));
  }

  get head(): Head {
    return this.#head;
  }

  /** Those whose facts the host held, as it showed them. */
  sessions(): Session[] {
    return this.#head.sessions
      .filter((s) => s.facts !== "")
      .map((s) => fromBinary(SessionSchema, Buffer.from(s.facts, "base64")));
  }

  /** By id, live name, ended name (the latest) or unique prefix of an id, as the host finds one. */
  find(text: string): string {
    if (this.#head.sessions.some((s) => s.id === text)) return text;
    const all = this.sessions();
    const named = all.filter((s) => s.name === text).sort((a, b) => Number(b.createdUnixMs - a.createdUnixMs));
    const found = named.find((s) => s.state === SessionState.RUNNING) ?? named[0];
    if (found) return found.id;
    const prefixed = all.filter((s) => text !== "" && s.id.startsWith(text));
    if (prefixed.length === 1) return prefixed[0]!.id;
    if (prefixed.length > 1)
      throw new HoldError(
        "ambiguous_session",
        `${JSON.stringify(text)} may be ${prefixed
          .map((s) => s.id)
          .slice(0, 10)
          .join(", ")}`,
      );
    throw new HoldError(
      "no_such_session",
      `the mirror has no session ${JSON.stringify(text)}; hold ls -a --from-mirror shows those it has`,
    );
  }

  /** D2; null: everything. `places` is empty before. */
  async fetch(session: string | null, places: HomePlaces): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const wanted = session === null ? this.#head.files : ofSession(this.#head, session);
        await this.#dropBut(new Set(wanted.map((file) => file.path)), places);
        await inHands(AT_ONCE, wanted, (file) => this.#fetchFile(file, places));
        return;
      } catch (fault) {
        if (!(fault instanceof Replaced)) throw fault;
        const { epoch, serial } = this.#head;
        this.#head = await readHead(this.#store, this.#keys, this.#hostId, { epoch, serial });
        if (this.#head.epoch === epoch && this.#head.serial === serial) throw fault.fault;
        if (tries < TRIES) continue;
        throw new HoldError(
          "unreachable",
          `the mirror can't be read: its host writes it faster than it is read here, ${TRIES} heads came meanwhile; try again`,
          {},
          { cause: fault.fault },
        );
      }
    }
  }

  /** What a newer head has no more. */
  async #dropBut(wanted: ReadonlySet<string>, places: HomePlaces): Promise<void> {
    for (const path of this.#fetched.keys()) {
      if (wanted.has(path)) continue;
      await rm(pathIn(places, path)!, { force: true });
      this.#fetched.delete(path);
    }
  }

  async #fetchFile(file: Copied, places: HomePlaces): Promise<void> {
    const path = pathIn(places, file.path);
    if (path === null || file.pieces.length !== piecesOf(file.bytes, this.#head.pieceBytes))
      throw tampered(`its head names ${JSON.stringify(file.path)}`);
    const had = this.#fetched.get(file.path);
    if (had === undefined) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const has = had ?? [];
    this.#fetched.set(file.path, has);
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | (had ? 0 : constants.O_EXCL), 0o600);
    try {
      await handle.truncate(file.bytes);
      has.length = Math.min(has.length, file.pieces.length);
      for (const [n, name] of file.pieces.entries()) {
        if (has[n] === name) continue;
        has[n] = undefined;
        await this.#fetchPiece(handle, file, n, name);
        has[n] = name;
      }
    } finally {
      await handle.close();
    }
  }

  async #fetchPiece(handle: FileHandle, { path, bytes }: Copied, n: number, name: string): Promise<void> {
    const kept = await this.#store.get(name).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Replaced(new HoldError("unreachable", `the mirror can't be read: ${why}`, {}, { cause }));
    });
    if (kept === null) throw new Replaced(tampered(`object ${name}, piece ${n} of ${path}, is not there`));
    const content = await unseal(this.#keys, name, kept.bytes).catch((fault: unknown) => {
      // Whoever deletes it may be half done.
      throw fault instanceof HoldError && kept.bytes.length === 0 ? new Replaced(fault) : fault;
    });
    const [hostId, epoch] = name.split("/");
    // D1
    if (pieceName(this.#keys, { hostId: hostId!, epoch: Number(epoch) }, path, n, content) !== name)
      throw tampered(`object ${name} does not hold piece ${n} of ${path}`);
    const { pieceBytes } = this.#head;
    const from = n * pieceBytes;
    if (content.length !== Math.min(pieceBytes, bytes - from))
      throw tampered(`piece ${n} of ${path} has ${content.length} bytes`);
    await handle.write(content, 0, content.length, from);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function readHead(store: ObjectStore, keys: MirrorKeys, hostId: string, seen: Seen | null): Promise<Head> {
  const found = await store.get(headName(hostId));
  if (found !== null) return decodeHead(await unseal(keys, headName(hostId), found.bytes), hostId, seen);
  if (seen) throw tampered(`the head of the host ${hostId} is gone, and number ${seen.serial} was read before`);
  throw new HoldError("no_such_file", `there is no record of the host ${hostId} in this mirror`);
}

/** D2 */
function ofSession({ sessions, files }: Head, id: string): Copied[] {
  const line = sessions.find((s) => s.id === id);
  const segments = new Set(readRuns(line?.segments ?? "").map((index) => `ledger/${segmentName(index)}`));
  return files.filter(({ path }) => {
    if (path.startsWith("payload/")) return parsePayloadName(path.slice("payload/".length))?.session === id;
    return segments.has(path) || path === `checkpoints/${id}.checkpoint` || path === "operators.json";
  });
}
