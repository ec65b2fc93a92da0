import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import { HoldError } from "@holdfast/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { containerFor } from "./certificate.ts";
import { secureAsHost, secureAsOperator } from "./secure.ts";

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
const [hostKey, ownKey, otherKey] = [newKey(), newKey(), newKey()];
const trusts = (key: Uint8Array): void => {
  if (!rawOf(hostKey).equals(key)) throw new HoldError("host_key_changed", "another host");
};

/** What becomes of the n-th record that one end says: what the other hears in its place, and whether it hears anything more. */
type Meddle = (record: Buffer, n: number) => { readonly heard: readonly Buffer[]; readonly cut?: boolean };

const asItIs: Meddle = (record) => ({ heard: [record] });

/** One end of a stream that is carried by somebody, TLS record by TLS record. */
class End extends Duplex {
  other!: End;
  readonly #meddle: Meddle;
  #waiting = Buffer.alloc(0);
  #n = 0;
  #isCut = false;

  constructor(meddle: Meddle) {
    super({ allowHalfOpen: false });
    this.#meddle = meddle;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: string, taken: () => void): void {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    for (let end = 0; (end = this.#recordEnd()) > 0; ) {
      const record = this.#waiting.subarray(0, end);
      this.#waiting = this.#waiting.subarray(end);
      if (this.#isCut) continue;
      const { heard, cut = false } = this.#meddle(Buffer.from(record), this.#n++);
      for (const bytes of heard) if (!this.other.destroyed) this.other.push(bytes);
      if (cut) {
        this.#isCut = true;
        this.other.push(null);
      }
    }
    taken();
  }

  #recordEnd(): number {
    if (this.#waiting.length < 5) return 0;
    const end = 5 + this.#waiting.readUInt16BE(3);
    return end <= this.#waiting.length ? end : 0;
  }

  override _final(done: () => void): void {
    if (!this.other.destroyed && !this.#isCut) this.other.push(null);
    done();
  }

  override _destroy(fault: Error | null, done: (fault: Error | null) => void): void {
    setImmediate(() => this.other.destroy());
    done(fault);
  }
}

function ends(meddle: { readonly operator?: Meddle; readonly host?: Meddle } = {}): { readonly near: End; readonly far: End } {
  const [near, far] = [new End(meddle.operator ?? asItIs), new End(meddle.host ?? asItIs)];
  near.other = far;
  far.other = near;
  // As a call has it: an error of the stream itself is told to whoever holds it.
  near.on("error", () => {});
  far.on("error", () => {});
  return { near, far };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const codeOf = (fault: unknown): string => (fault as { code?: string }).code ?? String(fault);
const outcome = (p: Promise<unknown>): Promise<string> => p.then(() => "secured", codeOf);

type Who = "host" | "operator";
const lines = Array.from({ length: 10 }, (_, i) => `line ${i}\n`);

/** One end says ten lines, each in a record of its own, and ends; what the other heard of it, and whether it was told that something is wrong. */
async function talk(from: Who, meddle: Meddle): Promise<{ readonly heard: string; readonly fault: string }> {
  const { near, far } = ends({ [from]: meddle });
  const both = { host: secureAsHost(far, hostKey), operator: secureAsOperator(near, ownKey, trusts) };
  const to = from === "host" ? "operator" : "host";
  const said = both[from].then(
    async ({ stream }) => {
      stream.on("error", () => {}).resume();
      const closed = new Promise((over) => stream.once("close", over));
      // What is under way when it breaks is told of by nothing but the end.
      for (const line of lines)
        if (!stream.destroyed) await Promise.race([closed, new Promise((taken) => stream.write(line, taken))]);
      stream.end();
    },
    () => {},
  );
  const heard = both[to].then(
    ({ stream }) =>
      new Promise<{ heard: string; fault: string }>((over) => {
        let [text, fault] = ["", ""];
        stream.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
        stream.on("error", (e: Error) => (fault = e.message));
        stream.on("close", () => over({ heard: text, fault }));
      }),
    (e: Error) => ({ heard: "", fault: e.message }),
  );
  let what: Awaited<typeof heard> | undefined;
  void Promise.all([heard, said]).then(([end]) => (what = end));
  // Who waits for a record that was dropped waits until it is too late: nothing else is under way then.
  for (let turns = 1; !what; turns++) {
    await new Promise((turn) => setImmediate(turn));
    if (turns % 200 === 0) vi.advanceTimersByTime(15_000);
    if (turns > 1_000) throw new Error("neither end of it was over after the deadline");
  }
  near.destroy();
  return what;
}

test("each end knows the other's key, and what is said arrives as it was said", async () => {
  const { near, far } = ends();
  const [host, operator] = await Promise.all([secureAsHost(far, hostKey), secureAsOperator(near, ownKey, trusts)]);
  expect(rawOf(ownKey).equals(host.peerKey)).toBe(true);
  expect(rawOf(hostKey).equals(operator.peerKey)).toBe(true);
  near.destroy();
  for (const from of ["host", "operator"] as const)
    expect(await talk(from, asItIs)).toEqual({ heard: lines.join(""), fault: "" });
});

test("a host that is not the one meant is told nothing, and the reason is the operator's own", async () => {
  let heard = 0;
  const { near, far } = ends();
  const host = secureAsHost(far, otherKey).then(({ stream }) => {
    stream.on("data", (bytes: Buffer) => (heard += bytes.length));
    stream.on("error", () => {});
  });
  host.catch(() => {});
  expect(await outcome(secureAsOperator(near, ownKey, trusts))).toBe("host_key_changed");
  await vi.waitFor(() => expect([near.destroyed, far.destroyed]).toEqual([true, true]));
  expect(heard).toBe(0);
});

test("who shows no key, or one of another kind, or speaks an older version, does not come in", async () => {
  const rsa = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const own = { key: ownKey.export({ format: "pem", type: "pkcs8" }), cert: containerFor(ownKey) };
  const clients: Record<string, object> = {
    "no key": {},
    "TLS 1.2": { ...own, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" },
    "another cipher": { ...own, ciphers: "TLS_AES_128_GCM_SHA256" },
    "another's certificate": { key: rsa.export({ format: "pem", type: "pkcs8" }) },
  };
  for (const [how, options] of Object.entries(clients)) {
    const { near, far } = ends();
    const client = connectTls({ ...options, socket: near, rejectUnauthorized: false });
    client.on("error", () => {});
    expect(await outcome(secureAsHost(far, hostKey)), how).toBe("unreachable");
    client.destroy();
  }
  for (const [how, options] of Object.entries({ "TLS 1.2": { maxVersion: "TLSv1.2" }, "no key": {} })) {
    const { near, far } = ends();
    const container =
      how === "no key" ? {} : { key: hostKey.export({ format: "pem", type: "pkcs8" }), cert: containerFor(hostKey) };
    const server = new TLSSocket(far, { ...container, ...options, isServer: true } as ConstructorParameters<typeof TLSSocket>[1]);
    server.on("error", () => {});
    expect(await outcome(secureAsOperator(near, ownKey, trusts)), how).toBe("unreachable");
    server.destroy();
  }
});

test("who answers with what is no TLS, or ends, or says nothing, secures nothing and leaves nothing open", async () => {
  for (const say of [
    (far: End) => far.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    (far: End) => far.destroy(),
    (far: End) => far.end(),
  ]) {
    const { near, far } = ends();
    far.resume();
    const secured = outcome(secureAsOperator(near, ownKey, trusts));
    far.other.push(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]));
    say(far);
    expect(await secured).toBe("unreachable");
    expect(near.destroyed).toBe(true);
  }
  const { near, far } = ends();
  far.resume();
  const secured = outcome(secureAsOperator(near, ownKey, trusts));
  const asHost = ends();
  const unheard = outcome(secureAsHost(asHost.far, hostKey));
  await vi.advanceTimersByTimeAsync(15_000);
  expect([await secured, await unheard, near.destroyed, asHost.far.destroyed]).toEqual([
    "unreachable",
    "unreachable",
    true,
    true,
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a certificate says nothing but the key, and is one that others read", () => {
  const container = new X509Certificate(containerFor(ownKey));
  expect(container.publicKey.export({ format: "der", type: "spki" }).subarray(12).equals(rawOf(ownKey))).toBe(true);
  expect(container.verify(createPublicKey(ownKey))).toBe(true);
  expect(container.verify(createPublicKey(otherKey))).toBe(false);
  expect([container.subject, container.issuer]).toEqual(["CN=holdfast", "CN=holdfast"]);
  expect(Date.parse(container.validTo)).toBeGreaterThan(Date.parse("9999-01-01"));
});

/** What a carrier can do to a record, in its place or with the one after it. */
const meddling: Record<string, (at: number) => Meddle> = {
  "a bit flipped": (at) => (record, n) => {
    if (n !== at) return { heard: [record] };
    // Behind the header, in the middle: of the handshake's first a part that means something.
    const i = 5 + Math.floor((record.length - 5) / 2);
    record[i] = record[i]! ^ 0x10;
    return { heard: [record] };
  },
  "the last bit flipped": (at) => (record, n) => {
    if (n === at) record[record.length - 1] = record.at(-1)! ^ 1;
    return { heard: [record] };
  },
  dropped: (at) => (record, n) => ({ heard: n === at ? [] : [record] }),
  doubled: (at) => (record, n) => ({ heard: n === at ? [record, record] : [record] }),
  "swapped with the next": (at) => {
    let held: Buffer | undefined;
    return (record, n) => {
      if (n === at) {
        held = record;
        return { heard: [] };
      }
      return { heard: held && n === at + 1 ? [record, held] : [record] };
    };
  },
  "played again later": (at) => {
    let kept: Buffer | undefined;
    return (record, n) => {
      if (n === at) kept = Buffer.from(record);
      return { heard: kept && n === at + 2 ? [record, kept] : [record] };
    };
  },
  "cut in the midst": (at) => (record, n) =>
    n === at ? { heard: [record.subarray(0, record.length >> 1)], cut: true } : { heard: [record] },
  "cut after it": (at) => (record, n) => ({ heard: [record], cut: n === at }),
};

/** RFC 8446 §5: ignored, and no part of what is protected. */
const CHANGE_CIPHER_SPEC = 20;

/** The first byte of each record that an end says of its own accord: the handshake's, ten lines, and its end. */
async function recordsOf(from: Who): Promise<readonly number[]> {
  const records: number[] = [];
  await talk(from, (record) => {
    records.push(record[0]!);
    return { heard: [record] };
  });
  return records;
}

test("a record that is altered, dropped, doubled, moved or cut ends the channel, whichever it is, and nothing altered is heard", async () => {
  const all = lines.join("");
  let cases = 0;
  for (const from of ["operator", "host"] as const) {
    const records = await recordsOf(from);
    expect(records.length).toBeGreaterThan(12);
    for (const [how, meddle] of Object.entries(meddling))
      for (let at = 0; at < records.length; at++) {
        const { heard, fault } = await talk(from, meddle(at)).catch((e: Error) => {
          throw new Error(`${how}, record ${at} of the ${from}: ${e.message}`);
        });
        const which = `${how}, record ${at} of the ${from}: ${JSON.stringify(heard)} ${fault}`;
        expect(all.startsWith(heard), which).toBe(true);
        // The last is the end itself, and behind it nothing is heard. One of the handshake is there for old middleboxes, and says nothing.
        const isSaid = at < records.length - (how === "played again later" ? 3 : 1) && records[at] !== CHANGE_CIPHER_SPEC;
        if (isSaid) expect(fault !== "" || heard.length < all.length, which).toBe(true);
        cases++;
      }
  }
  expect(cases).toBeGreaterThan(200);
}, 60_000);
