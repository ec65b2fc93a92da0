/** Properties of copying: whatever dies when, the mirror is a record that the host had, and in the end the one that it has. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyIdOf, rawPublicKey } from "../operator/key.ts";
import { Copier, Fenced, type Memory, type Moment, Overtaken, type Source } from "./copier.ts";
import { type Found, readRuns, writeRuns } from "./pieces.ts";
import { placesOf } from "./home-source.ts";
import { MirrorReader } from "./reader.ts";
import { mirrorKeys } from "./sealed.ts";
import type { ObjectStore, StoredObject } from "./store.ts";

const PIECE = 64;

class Died extends Error {}

/** Objects in memory. Dies before or after any change when it is told to. */
class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, StoredObject>();
  #revision = 0;
  /** Changes until it dies; null: it does not. */
  fuse: number | null = null;
  puts = 0;

  #burn(): void {
    if (this.fuse !== null && --this.fuse < 0) throw new Died();
  }
  list(prefix: string): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set([...this.objects.keys()].filter((name) => name.startsWith(prefix))));
  }
  get(name: string): Promise<StoredObject | null> {
    return Promise.resolve(this.objects.get(name) ?? null);
  }
  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.#burn();
    this.puts++;
    this.objects.set(name, { bytes, revision: ++this.#revision });
    this.#burn();
  }
  async replace(name: string, bytes: Uint8Array, revision: number): Promise<number> {
    this.#burn();
    if ((this.objects.get(name)?.revision ?? 0) !== revision) throw new Overtaken();
    this.objects.set(name, { bytes, revision: ++this.#revision });
    const at = this.#revision;
    this.#burn();
    return at;
  }
  async delete(name: string): Promise<void> {
    this.#burn();
    this.objects.delete(name);
  }
  tidied: string[] = [];
  async tidy(prefix: string): Promise<void> {
    this.tidied.push(prefix);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A home whose files and counts a test changes. */
class Home implements Source {
  readonly files = new Map<string, { bytes: Buffer; modifiedMs: number }>();
  clockMs = 1_000_000;
  told = 0;
  done = 0;
  memory: Memory | null = null;

  change(path: string, bytes: Buffer): void {
    this.clockMs += 10_000;
    this.files.set(path, { bytes, modifiedMs: this.clockMs - 5_000 });
  }
  append(path: string, count: number): void {
    this.change(path, Buffer.concat([this.files.get(path)?.bytes ?? Buffer.alloc(0), randomBytes(count)]));
  }
  erase(path: string, at: number): void {
    const bytes = Buffer.from(this.files.get(path)?.bytes ?? Buffer.alloc(0));
    const from = at % (bytes.length + 1);
    bytes.fill(0, from, Math.min(bytes.length, from + 20));
    this.told++;
    this.done++;
    this.change(path, bytes);
  }
  remove(path: string): void {
    this.clockMs += 10_000;
    this.told++;
    this.done++;
    this.files.delete(path);
  }

  nowMs(): number {
    return (this.clockMs += 1);
  }
  async moment(): Promise<Moment> {
    const newest = [...this.files.keys()]
      .filter((p) => p.endsWith(".seg"))
      .sort()
      .at(-1);
    const bytes = newest ? this.files.get(newest)!.bytes.length : 0;
    return {
      segment: Number(newest?.slice(7, 17) ?? 0),
      bytes,
      told: this.told,
      done: this.done,
      lsn: this.clockMs,
      chain: "",
      signature: "",
    };
  }
  sessions(): Promise<[]> {
    return Promise.resolve([]);
  }
  list(kind: "aside" | "record"): Promise<Found[]> {
    const isAside = (path: string): boolean => path.startsWith("checkpoints/") || path === "operators.json";
    return Promise.resolve(
      [...this.files]
        .filter(([path]) => isAside(path) === (kind === "aside"))
        .map(([path, { bytes, modifiedMs }]) => ({ path, bytes: bytes.length, modifiedMs })),
    );
  }
  read(path: string, from: number, bytes: number): Promise<Uint8Array | null> {
    const content = this.files.get(path)?.bytes.subarray(from, from + bytes);
    return Promise.resolve(content?.length === bytes ? Buffer.from(content) : null);
  }
}

const hostKey = generateKeyPairSync("ed25519").privateKey;
const hostPublicKey = rawPublicKey(hostKey);
const hostId = keyIdOf(hostPublicKey).toString("hex").slice(0, 32);
const keys = mirrorKeys(randomBytes(32));

function begin(home: Home, store: ObjectStore, takesOver = false): Promise<Copier> {
  return Copier.begin(
    {
      ...{ source: home, store, keys, hostId, hostKey, hostPublicKey, auditPublicKey: new Uint8Array(32), hostVersion: "test" },
      memory: home.memory,
      remember: async (memory) => {
        home.memory = memory;
      },
      pieceBytes: PIECE,
      copied: () => {},
    },
    takesOver,
  );
}

/** What a reader finds, by path. */
async function mirrored(store: ObjectStore): Promise<Map<string, Buffer>> {
  const folder = mkdtempSync(join(tmpdir(), "mirror-test-"));
  try {
    const places = placesOf(folder);
    const reader = await MirrorReader.open(store, keys, hostId, null);
    await reader.fetch(null, places);
    const read = (kind: string, at: string): [string, Buffer][] => {
      try {
        return readdirSync(at).map((name) => [`${kind}/${name}`, readFileSync(join(at, name))]);
      } catch {
        return [];
      }
    };
    return new Map([
      ...read("ledger", join(places.journal, "ledger")),
      ...read("payload", join(places.journal, "payload")),
      ...read("checkpoints", places.checkpoints),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const seg = (n: number): string => `ledger/${String(n).padStart(10, "0")}.seg`;
const path = fc.constantFrom(seg(1), seg(2), "payload/a.1.1.pay", "payload/b.1.4.pay", "checkpoints/a.checkpoint");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant("append" as const), path, n: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("erase" as const), path, n: fc.nat(500) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("remove" as const),
      path: fc.constantFrom("payload/a.1.1.pay", "checkpoints/a.checkpoint"),
      n: fc.constant(0),
    }),
  },
  { weight: 4, arbitrary: fc.record({ does: fc.constant("pass" as const), path, n: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("die" as const), path, n: fc.nat(9) }) },
);

function contents(home: Home): Map<string, string> {
  return new Map([...home.files].map(([name, { bytes }]) => [name, bytes.toString("hex")]));
}

test("whatever dies in the middle of whatever pass, what is read is a record that the host had, and after the next pass the one it has", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const home = new Home();
      const store = new MemoryStore();
      const had: Map<string, string>[] = [];
      let copier = await begin(home, store);
      for (const { does, path: at, n } of [...steps, { does: "pass" as const, path: seg(1), n: 0 }]) {
        if (does === "append") home.append(at, n);
        else if (does === "erase") home.erase(at, n);
        else if (does === "remove") home.remove(at);
        else {
          had.push(contents(home));
          store.fuse = does === "die" ? n : null;
          await copier.pass().catch((fault: unknown) => {
            if (!(fault instanceof Died)) throw fault;
          });
          if (does === "die") {
            store.fuse = null;
            copier = await begin(home, store);
          }
          if (store.objects.has(`${hostId}/head`)) {
            const now = new Map([...(await mirrored(store))].map(([name, bytes]) => [name, bytes.toString("hex")]));
            expect(had).toContainEqual(now);
          }
        }
      }
      const now = new Map([...(await mirrored(store))].map(([name, bytes]) => [name, bytes.toString("hex")]));
      expect(now).toEqual(contents(home));
      // M4: nothing that no head needs is left.
      const needed = new Set([...copier.files.values()].flatMap((f) => f.pieces));
      expect([...store.objects.keys()].filter((name) => name !== `${hostId}/head` && !needed.has(name))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("what was copied before a kill is not copied again", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), PIECE * 6);
  store.fuse = 9;
  await expect((await begin(home, store)).pass()).rejects.toThrow(Died);
  const before = store.puts;
  expect(before).toBeGreaterThan(2);
  store.fuse = null;
  await (await begin(home, store)).pass();
  expect(store.puts).toBe(6);
});

test("what only grows is read from where it was full, and what was erased in it is found all the same", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append("payload/a.1.1.pay", PIECE * 3 + 5);
  const copier = await begin(home, store);
  await copier.pass();
  const reads: number[] = [];
  const { read } = home;
  home.read = (at, from, bytes) => {
    reads.push(from);
    return read.call(home, at, from, bytes);
  };
  home.append("payload/a.1.1.pay", 10);
  await copier.pass();
  expect(reads).toEqual([PIECE * 3]);
  home.erase("payload/a.1.1.pay", 3);
  await copier.pass();
  expect((await mirrored(store)).get("payload/a.1.1.pay")!.subarray(3, 23)).toEqual(Buffer.alloc(20));
});

test("an erasure in the middle of a pass sends it back: no head shows one without its record", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 50);
  home.append("payload/a.1.1.pay", PIECE * 2);
  const { read } = home;
  let left = 3;
  home.read = async (at, from, bytes) => {
    // Its record first, and then the bytes, before they are read.
    if (at.startsWith("payload/") && from === 0 && left-- > 0) {
      home.append(seg(1), 10);
      home.erase(at, left);
    }
    return read.call(home, at, from, bytes);
  };
  await (await begin(home, store)).pass();
  expect(left).toBeLessThan(0);
  const now = new Map([...(await mirrored(store))].map(([name, bytes]) => [name, bytes.toString("hex")]));
  expect(now).toEqual(contents(home));
  expect(now.get(seg(1))).toHaveLength(2 * 80);
});

test("a payload that retention took while it was copied is named as missed, and not looked for again", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 50);
  home.append("payload/a.1.1.pay", 20);
  const { read } = home;
  home.read = async (at, from, bytes) => {
    if (at.startsWith("payload/")) home.files.delete(at);
    return read.call(home, at, from, bytes);
  };
  await (await begin(home, store)).pass();
  const reader = await MirrorReader.open(store, keys, hostId, null);
  expect([reader.head.missed, reader.head.files.map((f) => f.path)]).toEqual([["payload/a.1.1.pay"], [seg(1)]]);
});

test("a payload that retention took between the ledger's mark and the look at what there is is named as missed", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 50);
  home.append("payload/a.1.1.pay", 20);
  const { moment } = home;
  home.moment = async () => {
    const now = await moment.call(home);
    home.files.delete("payload/a.1.1.pay");
    return now;
  };
  await (await begin(home, store)).pass();
  const reader = await MirrorReader.open(store, keys, hostId, null);
  expect([reader.head.missed, reader.head.files.map((f) => f.path)]).toEqual([["payload/a.1.1.pay"], [seg(1)]]);
});

test("of two hosts with one home one goes on, and the other is told so until it takes over", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 100);
  const first = await begin(home, store);
  await first.pass();
  const copy = new Home();
  copy.memory = home.memory;
  copy.clockMs = home.clockMs;
  for (const [at, { bytes }] of home.files) copy.change(at, bytes);
  home.append(seg(1), 7);
  await first.pass();
  copy.append(seg(1), 9);
  store.tidied = [];
  await expect(begin(copy, store)).rejects.toThrow(Fenced);
  // Who may not write may not erase.
  expect(store.tidied).toEqual([]);
  const second = await begin(copy, store, true);
  // What was sent and not answered may come to lie there until a head of one's own has: bytes without a name are nobody's after that, and not before.
  expect(store.tidied).toEqual([]);
  await second.pass();
  await second.pass();
  expect(store.tidied).toEqual([`${hostId}/`]);
  expect(second.epoch).toBe(2);
  home.append(seg(1), 7);
  await expect(first.pass()).rejects.toThrow(Overtaken);
  await expect(begin(home, store)).rejects.toThrow(Fenced);
  expect((await mirrored(store)).get(seg(1))).toEqual(copy.files.get(seg(1))!.bytes);
});

/** One home with a mirror, and a copy of it that the host of the first has written since. */
async function twoHomes(): Promise<{ home: Home; copy: Home; store: MemoryStore; first: Copier }> {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 100);
  const first = await begin(home, store);
  await first.pass();
  const copy = new Home();
  copy.memory = home.memory;
  copy.clockMs = home.clockMs;
  for (const [at, { bytes, modifiedMs }] of home.files) copy.files.set(at, { bytes, modifiedMs });
  home.append(seg(1), 7);
  await first.pass();
  return { home, copy, store, first };
}

test("who takes over has taken over before it copies: the other one writes no more, and what it had is read until all is copied anew", async () => {
  const { home, copy, store, first } = await twoHomes();
  copy.append(seg(1), 7);
  const second = await begin(copy, store, true);
  expect(second.isOurs).toBe(true);
  home.append(seg(1), 7);
  await expect(first.pass()).rejects.toThrow(Overtaken);
  await expect(begin(home, store)).rejects.toThrow(Fenced);
  expect((await mirrored(store)).get(seg(1))).toEqual(home.files.get(seg(1))!.bytes.subarray(0, 107));
  await second.pass();
  const again = await begin(copy, store);
  expect([again.epoch, again.serial]).toEqual([2, 4]);
  expect((await mirrored(store)).get(seg(1))).toEqual(copy.files.get(seg(1))!.bytes);
});

test("a take-over that dies while it copies goes on without being asked again, and takes nothing of the other for its own", async () => {
  const { home, copy, store } = await twoHomes();
  // As long and as old as the other's, and not the same.
  const { modifiedMs } = home.files.get(seg(1))!;
  copy.files.set(seg(1), { bytes: Buffer.concat([copy.files.get(seg(1))!.bytes, Buffer.alloc(7)]), modifiedMs });
  const second = await begin(copy, store, true);
  store.fuse = 2;
  await expect(second.pass()).rejects.toThrow(Died);
  store.fuse = null;
  const again = await begin(copy, store);
  expect([again.epoch, again.isOurs, again.files.size]).toEqual([2, true, 0]);
  await again.pass();
  expect((await mirrored(store)).get(seg(1))).toEqual(copy.files.get(seg(1))!.bytes);
});

test("a head that comes to lie there after the next one was tried is still this home's", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), 10);
  await (await begin(home, store)).pass();
  const { replace } = store;
  let land = (): Promise<unknown> => Promise.resolve();
  store.replace = (name, bytes, revision) => {
    land = () => replace.call(store, name, bytes, revision);
    return Promise.reject(new Died());
  };
  home.append(seg(1), 10);
  await expect((await begin(home, store)).pass()).rejects.toThrow(Died);
  const next = await begin(home, store);
  await land();
  store.replace = replace;
  home.append(seg(1), 10);
  await expect(next.pass()).rejects.toThrow(Overtaken);
  await (await begin(home, store)).pass();
  expect((await mirrored(store)).get(seg(1))).toEqual(home.files.get(seg(1))!.bytes);
});

test("what can't be opened is taken over by the first pass, and until then it has to be asked for", async () => {
  const { copy, store } = await twoHomes();
  const head = `${hostId}/head`;
  store.objects.set(head, { ...store.objects.get(head)!, bytes: new Uint8Array(0) });
  await expect(begin(copy, store)).rejects.toThrow("can't be opened");
  const second = await begin(copy, store, true);
  expect(second.isOurs).toBe(false);
  await second.pass();
  expect(second.isOurs).toBe(true);
  expect((await mirrored(store)).get(seg(1))).toEqual(copy.files.get(seg(1))!.bytes);
});

/** What is read of it costs time, in which its host writes. */
function whileItIsRead(store: MemoryStore, every: number, write: () => Promise<unknown>): ObjectStore {
  let gets = 0;
  return {
    ...{ list: store.list, put: store.put, replace: store.replace, delete: store.delete, tidy: store.tidy, close: store.close },
    async get(name) {
      if (++gets % every === 0 && !name.endsWith("/head")) await write();
      return store.get(name);
    },
  };
}

test("all of a busy host's mirror is read, though heads follow each other while it is: what is the same in the next one is kept", async () => {
  const home = new Home();
  const store = new MemoryStore();
  for (let n = 1; n <= 12; n++) home.append(seg(n), PIECE * 2 + 10);
  home.append("payload/a.1.1.pay", 10);
  const copier = await begin(home, store);
  await copier.pass();
  let writes = 0;
  const busy = whileItIsRead(store, 5, async () => {
    for (const at of [seg(9), seg(10), seg(12)]) home.append(at, 3);
    if (++writes === 2) home.remove("payload/a.1.1.pay");
    if (writes === 3) home.erase(seg(1), 10);
    await copier.pass();
  });
  expect(Object.fromEntries(await mirrored(busy))).toEqual(
    Object.fromEntries([...home.files].map(([at, { bytes }]) => [at, bytes])),
  );
  expect(writes).toBeGreaterThan(4);
});

test("a host that writes faster than it is read is told as that, and not as a mirror that somebody has changed", async () => {
  const home = new Home();
  const store = new MemoryStore();
  for (let n = 1; n <= 3; n++) home.append(seg(n), 10);
  const copier = await begin(home, store);
  await copier.pass();
  const busy = whileItIsRead(store, 1, async () => {
    for (let n = 1; n <= 3; n++) home.append(seg(n), 3);
    await copier.pass();
  });
  await expect(mirrored(busy)).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("faster than it is read"),
  });
});

test("after the first fault nothing more is fetched", async () => {
  const home = new Home();
  const store = new MemoryStore();
  for (let n = 1; n <= 40; n++) home.append(seg(n), 10);
  await (await begin(home, store)).pass();
  let gets = 0;
  const away = whileItIsRead(store, 1, async () => {
    gets++;
    throw new Error("away");
  });
  await expect(mirrored(away)).rejects.toMatchObject({ code: "unreachable" });
  expect(gets).toBeLessThanOrEqual(4);
});

test("an object that was flipped, taken away, swapped or rolled back is an error that names it", async () => {
  const home = new Home();
  const store = new MemoryStore();
  home.append(seg(1), PIECE * 2);
  const copier = await begin(home, store);
  await copier.pass();
  const [one, two] = copier.files.get(seg(1))!.pieces as [string, string];
  const head = store.objects.get(`${hostId}/head`)!;
  const whole = new Map(store.objects);
  const broken = async (change: () => void): Promise<string> => {
    store.objects.clear();
    for (const [name, object] of whole) store.objects.set(name, object);
    change();
    return mirrored(store).then(
      () => "found nothing",
      (fault: { code?: string; message: string }) => `${fault.code} ${fault.message}`,
    );
  };
  const flipped = Buffer.from(store.objects.get(one)!.bytes);
  flipped.write(flipped.toString("latin1", flipped.length - 5, flipped.length - 4) === "A" ? "B" : "A", flipped.length - 5);
  expect(await broken(() => store.objects.set(one, { bytes: flipped, revision: 1 }))).toMatch(
    `mirror_tampered the mirror is not as the host wrote it: object ${one} can't be opened`,
  );
  expect(await broken(() => store.objects.delete(two))).toMatch(new RegExp(`mirror_tampered .*${two}.*is not there`));
  expect(await broken(() => store.objects.set(one, whole.get(two)!))).toMatch(
    new RegExp(`mirror_tampered .*${one} holds what belongs to ${two}`),
  );
  home.append(seg(1), 5);
  await copier.pass();
  const { epoch, serial } = copier;
  store.objects.set(`${hostId}/head`, head);
  await expect(MirrorReader.open(store, keys, hostId, { epoch, serial })).rejects.toThrow("rolled back");
  store.objects.delete(`${hostId}/head`);
  await expect(MirrorReader.open(store, keys, hostId, { epoch, serial })).rejects.toThrow("is gone");
});

test("runs of segments are read as they were written", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200)), (numbers) => {
      expect(readRuns(writeRuns(numbers))).toEqual([...numbers].sort((a, b) => a - b));
    }),
  );
});
