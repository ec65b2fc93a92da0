/** A mirror in a JetStream object store. Its bucket is made where it is not there. */
import { JetStreamApiError, jetstreamManager, type JetStreamManager, StorageType } from "@nats-io/jetstream";
import { Objm, type ObjectStore as Bucket, setSha256Backend } from "@nats-io/obj";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
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
  readonly #manager: JetStreamManager;
  readonly #bucket: Bucket;
  readonly #name: string;

  constructor(connection: NatsConnection, manager: JetStreamManager, bucket: Bucket, name: string) {
    this.#connection = connection;
    this.#manager = manager;
    this.#bucket = bucket;
    this.#name = name;
  }

  async list(prefix: string): Promise<ReadonlySet<string>> {
    const names = await this.#guarded(this.#bucket.list());
    return new Set(names.filter((o) => !o.deleted && o.name.startsWith(prefix)).map((o) => o.name));
  }

  async get(name: string): Promise<StoredObject | null> {
    const found = await this.#guarded(this.#bucket.get(name));
    if (found === null) return null;
    // Told where it is read too; nobody else hears it.
    found.error.catch(() => undefined);
    const { revision } = found.info;
    const reader = found.data.getReader();
    try {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      // What is replaced while it is read never comes to its end.
      for (;;) {
        const { done, value } = await this.#guarded(reader.read());
        if (done) return { bytes: Buffer.concat(parts), revision };
        parts.push(value);
        if ((bytes += value.length) > MOST_BYTES) throw new Error(`object ${name} is larger than any of ours`);
      }
    } catch (fault) {
      await reader.cancel().catch(() => undefined);
      // Not what its digest says: nothing that opens.
      if (/corrupt object/.test(String(fault))) return { bytes: new Uint8Array(0), revision };
      throw fault;
    }
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const { digest } = await this.#bucket.putBlob({ name, options: { max_chunk_size: CHUNK_BYTES } }, bytes, {
      timeout: TIMEOUT_MS,
    });
    const kept = await this.get(name);
    if (kept === null || !Buffer.from(kept.bytes).equals(bytes))
      throw new Error(`object ${name} (${digest}) was not kept as it was written`);
  }

  async replace(name: string, bytes: Uint8Array, revision: number): Promise<number> {
    try {
      const info = await this.#bucket.putBlob({ name, options: { max_chunk_size: CHUNK_BYTES } }, bytes, {
        timeout: TIMEOUT_MS,
        previousRevision: revision,
      });
      return info.revision;
    } catch (fault) {
      if (fault instanceof JetStreamApiError && fault.code === WRONG_LAST) throw new Overtaken();
      throw fault;
    }
  }

  /** What is left of an object that was deleted is a note that it was; that goes too, or they would be all that fills the bucket. */
  async delete(name: string): Promise<void> {
    await this.#guarded(this.#bucket.delete(name));
    const subject = Buffer.from(name).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    await this.#guarded(this.#manager.streams.purge(`OBJ_${this.#name}`, { filter: `$O.${this.#name}.M.${subject}` }));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Nothing that is asked of a server is waited for for ever. */
  async #guarded<T>(asked: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`NATS did not answer in ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
