/**
 * A mirror in a JetStream object store. Its bucket is made where it is not there.
 *
 *   S1  What was sent and not answered may be kept: nothing of it is taken back but what the server has refused. A name whose bytes are not there is
 *       read as one that nothing opens.
 *   S2  Bytes carry the host's id in their subject: what a kill has left without a name is found and erased by who begins next, and of nobody else.
 *   S3  Of an object that goes, the bytes go first: killed in between, its name is left, and says that there is something to do.
 */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  jetstream,
  type JetStreamClient,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  StorageType,
} from "@nats-io/jetstream";
import { Objm, type ObjectInfo, type ObjectResult, type ObjectStore as Bucket, setSha256Backend } from "@nats-io/obj";
import { connect, credsAuthenticator, headers, type NatsConnection } from "@nats-io/transport-node";
import { type ObjectStore, Overtaken, type StoredObject } from "./store.ts";

export interface MirrorAddress {
  /** `nats://HOST:PORT` or `tls://…`; several with commas; a name and a password, or a token, before an `@`. */
  readonly url: string;
  readonly bucket: string;
  /** Text of a credentials file. */
  readonly creds?: string;
}

/** Of one request. A put waits for the disk of who keeps it. */
const TIMEOUT_MS = 10_000;
/** A head of a hundred thousand files. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Below the 1 MiB that a server takes by itself. */
const CHUNK_BYTES = 512 * 1024;
/** Bytes that do not come for so long: whether they are there is looked at. */
const LOOK_MS = 500;
/** Of an object that is replaced while it is read. */
const READS = 5;
/** JetStream's: another message was the last of that subject. */
const WRONG_LAST = 10_071;

// Its own, written in JavaScript, would be half of what a copy costs.
setSha256Backend("native");

/** `makes`: the bucket, where there is none. */
export async function openNatsStore(address: MirrorAddress, makes = true): Promise<ObjectStore> {
  const connection = await connect({ ...serversOf(address), timeout: TIMEOUT_MS, reconnect: false, name: "holdfast-mirror" });
  try {
    const objm = new Objm(connection);
    const bucket = await objm.open(address.bucket).catch((fault: unknown) => {
      if (!makes) throw new Error(`there is no object store ${address.bucket} there (${String(fault)})`);
      return objm.create(address.bucket, { storage: StorageType.File, description: "Holdfast mirrors, encrypted" });
    });
    if (makes) await refuseForgetful(bucket, connection.info?.version ?? "");
    return new NatsStore(connection, await jetstreamManager(connection), bucket, address.bucket);
  } catch (fault) {
    await connection.close();
    throw fault;
  }
}

/** The first that does not lose a replicated stream's other messages when a node starts again after some were purged (nats-server 4196). */
const SOUND = [2, 9, 21];

/** Where one object's removal could cost all of them, nothing is written that is counted on later. */
async function refuseForgetful(bucket: Bucket, version: string): Promise<void> {
  const { replicas } = await bucket.status();
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  const at = SOUND.findIndex((wanted, i) => (parts[i] ?? 0) !== wanted);
  if (replicas < 2 || at < 0 || (parts[at] ?? 0) > SOUND[at]!) return;
  throw new Error(
    `that bucket has ${replicas} replicas, and nats-server ${version} may forget a replicated bucket's objects when a node starts again: take ${SOUND.join(".")} or newer, or a bucket with one replica`,
  );
}

function serversOf({ url, creds }: MirrorAddress): Parameters<typeof connect>[0] {
  const urls = url.split(",").map((text) => new URL(text.includes("://") ? text.trim() : `nats://${text.trim()}`));
  const [{ username, password, protocol }] = urls as [URL];
  const servers = urls.map((u) => u.host);
  const user = decodeURIComponent(username);
  return {
    servers,
    ...(protocol === "tls:" ? { tls: {} } : {}),
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
    ...(user !== "" && password !== "" ? { user, pass: decodeURIComponent(password) } : user === "" ? {} : { token: user }),
  };
}

class NatsStore implements ObjectStore {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #bucket: Bucket;
  readonly #name: string;

  constructor(connection: NatsConnection, manager: JetStreamManager, bucket: Bucket, name: string) {
    this.#connection = connection;
    this.#stream = jetstream(connection);
    this.#manager = manager;
    this.#bucket = bucket;
    this.#name = name;
  }

  async list(prefix: string): Promise<ReadonlySet<string>> {
    const names = await this.#guarded(this.#bucket.list());
    return new Set(names.filter((o) => !o.deleted && o.name.startsWith(prefix)).map((o) => o.name));
  }

  async get(name: string): Promise<StoredObject | null> {
    for (let reads = 0; reads < READS; reads++) {
      const found = await this.#guarded(this.#bucket.get(name));
      if (found === null) return null;
      const { revision } = found.info;
      const bytes = await this.#read(found);
      if (bytes !== null) return { bytes, revision };
      const now = await this.#guarded(this.#bucket.info(name));
      if (now === null || now.deleted) return null;
      // S1: nothing that opens.
      if (now.revision === revision) return { bytes: new Uint8Array(0), revision };
    }
    throw new Error(`object ${name} is replaced faster than it is read`);
  }

  /** Null: it is not there, or not what its digest says. */
  async #read({ info, data, error }: ObjectResult): Promise<Uint8Array | null> {
    // Told where it is read too; nobody else hears it.
    error.catch(() => undefined);
    const reader = data.getReader();
    try {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for (;;) {
        const next = await this.#next(reader.read(), info);
        if (next === null) return null;
        if (next.done) return Buffer.concat(parts);
        parts.push(next.value);
        if ((bytes += next.value.length) > MOST_BYTES) throw new Error(`object ${info.name} is larger than any of ours`);
      }
    } catch (fault) {
      if (/corrupt object/.test(String(fault))) return null;
      throw fault;
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  /** What is not there, or is replaced while it is read, never comes to its end: null. */
  async #next<T>(read: Promise<T>, { nuid }: ObjectInfo): Promise<T | null> {
    for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += LOOK_MS) {
      const got = await Promise.race([read, delay(LOOK_MS, null, { ref: false })]);
      if (got !== null) return got;
      if (!(await this.#hasBytes(nuid))) return null;
    }
    throw late();
  }

  async #hasBytes(nuid: string): Promise<boolean> {
    const filter = this.#bytesOf(nuid);
    const { state } = await this.#guarded(this.#manager.streams.info(this.#streamName, { subjects_filter: filter }));
    return (state.subjects?.[filter] ?? 0) > 0;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#publish(name, bytes, null);
    const kept = await this.get(name);
    if (kept === null || !Buffer.from(kept.bytes).equals(bytes)) throw new Error(`object ${name} was not kept as it was written`);
  }

  async replace(name: string, bytes: Uint8Array, revision: number): Promise<number> {
    try {
      return await this.#publish(name, bytes, revision);
    } catch (fault) {
      if (fault instanceof JetStreamApiError && fault.code === WRONG_LAST) throw new Overtaken();
      throw fault;
    }
  }

  /** The bytes, and then what names them. Not the library's: that takes the bytes back when no answer comes (S1). */
  async #publish(name: string, bytes: Uint8Array, previous: number | null): Promise<number> {
    const before = await this.#guarded(this.#bucket.info(name));
    const nuid = `${ownerOf(name)}${randomBytes(16).toString("base64url")}`;
    const chunkBytes = Math.min(CHUNK_BYTES, this.#connection.info?.max_payload ?? CHUNK_BYTES);
    const chunks = Math.ceil(bytes.length / chunkBytes);
    const about = {
      ...{ name, bucket: this.#name, nuid, size: bytes.length, chunks, options: { max_chunk_size: chunkBytes } },
      ...{ mtime: new Date().toISOString(), deleted: false },
      digest: `SHA-256=${urlBase64(createHash("sha256").update(bytes).digest())}`,
    };
    const rollup = headers();
    rollup.set("Nats-Rollup", "sub");
    try {
      for (let n = 0; n < chunks; n++)
        await this.#stream.publish(this.#bytesOf(nuid), bytes.subarray(n * chunkBytes, (n + 1) * chunkBytes), {
          timeout: TIMEOUT_MS,
        });
      const { seq } = await this.#stream.publish(this.#nameOf(name), JSON.stringify(about), {
        timeout: TIMEOUT_MS,
        headers: rollup,
        ...(previous === null ? {} : { expect: { lastSubjectSequence: previous } }),
      });
      // What stays of it, the next one to begin finds (S2).
      if (before !== null) await this.#purge(this.#bytesOf(before.nuid)).catch(() => undefined);
      return seq;
    } catch (fault) {
      if (fault instanceof JetStreamApiError) await this.#purge(this.#bytesOf(nuid)).catch(() => undefined);
      throw fault;
    }
  }

  /** S3. Nothing is left of it, not even a note that it was: those would be all that fills the bucket. */
  async delete(name: string): Promise<void> {
    const info = await this.#guarded(this.#bucket.info(name));
    if (info === null) return;
    await this.#purge(this.#bytesOf(info.nuid));
    await this.#purge(this.#nameOf(name));
  }

  /** S2 */
  async tidy(prefix: string): Promise<void> {
    const filter = this.#bytesOf(">");
    const { state } = await this.#guarded(this.#manager.streams.info(this.#streamName, { subjects_filter: filter }));
    // After it: what is named by now is not without a name.
    const named = new Set((await this.#guarded(this.#bucket.list())).map((o) => this.#bytesOf(o.nuid)));
    const mine = this.#bytesOf(ownerOf(prefix));
    for (const subject of Object.keys(state.subjects ?? {}))
      if (subject.startsWith(mine) && !named.has(subject)) await this.#purge(subject);
  }

  async #purge(filter: string): Promise<void> {
    await this.#guarded(this.#manager.streams.purge(this.#streamName, { filter }));
  }

  get #streamName(): string {
    return `OBJ_${this.#name}`;
  }
  #bytesOf(nuid: string): string {
    return `$O.${this.#name}.C.${nuid}`;
  }
  #nameOf(name: string): string {
    return `$O.${this.#name}.M.${urlBase64(Buffer.from(name))}`;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Nothing that is asked of a server is waited for for ever. */
  async #guarded<T>(asked: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late()), TIMEOUT_MS);
    });
    try {
      return await Promise.race([asked, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const late = (): Error => new Error(`NATS did not answer in ${TIMEOUT_MS / 1000} s`);

/** S2: what the name of each of a host's objects begins with, as the subjects of their bytes have it. */
const ownerOf = (name: string): string => `${name.slice(0, name.indexOf("/"))}-`;

/** With its padding, as the store's other clients write it. */
const urlBase64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
