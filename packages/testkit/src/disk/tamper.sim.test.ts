/** `hold audit verify` against an attacker who can write every file and lacks the key (reliability T-36, T-37, T-74 to T-77). */

import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { seededRandom } from "./crash.ts";
import { Clock, draft, FOLDER, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";

const LEDGER = `${FOLDER}/ledger`;

async function smallLedger(records = 8): Promise<{ disk: SimFS; clock: Clock; head: { lsn: number; chain: Uint8Array } }> {
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, 1, { segmentBytes: 1 << 20 }));
  for (let i = 0; i < records; i++) {
    journal.append(
      draft(clock, i % 2 === 0 ? "s1" : "s2", i % 3 === 0 ? `bulk ${i} `.repeat(60) : `key ${i}`, { stream: 1, offset: i * 10 }),
    );
    if (i === 4) journal.tick();
  }
  const head = journal.head();
  await journal.close();
  return { disk, clock, head };
}

/** Frames of a segment: [start, end) of each. */
function frames(bytes: Uint8Array): { at: number; end: number; type: number }[] {
  const b = Buffer.from(bytes);
  const found = [];
  for (let at = 192; at < b.length; at += b.readUInt32LE(at)) found.push({ at, end: at + b.readUInt32LE(at), type: b[at + 48]! });
  return found;
}

const segments = (disk: SimFS): string[] =>
  disk
    .list(LEDGER)
    .filter((n) => n.endsWith(".seg"))
    .map((n) => `${LEDGER}/${n}`);

/** The attacker's CRC: the segment's salt is in its header for all to read. */
function restamp(segment: Buffer, at: number): void {
  const b = segment.subarray(at);
  const regionEnd = b[48] === 1 ? 136 + b[51]! + b[52]! + b[53]! + b.readUInt32LE(100) : b.readUInt32LE(0);
  b.writeUInt32LE(0, 4);
  b.writeUInt32LE(crc32(b.subarray(0, regionEnd), crc32(segment.subarray(80, 88))), 4);
}

describe("an untouched journal", () => {
  test("verifies, with every record under a seal", async () => {
    const { disk, head } = await smallLedger();
    const report = verify(disk, [head]);
    expect(report.findings).toEqual([]);
    expect(report.sealedLsn).toBe(head.lsn);
    expect(report.records).toBe(9);
  });
});

describe("single flipped bytes", () => {
  test("every one in ledger and payload files is named with its file, at or before the flip", async () => {
    const { disk } = await smallLedger();
    const paths = [...segments(disk), ...disk.list(`${FOLDER}/payload`).map((n) => `${FOLDER}/payload/${n}`)];
    let flips = 0;
    for (const path of paths) {
      const original = Buffer.from(disk.contents(path));
      for (let i = 0; i < original.length; i++) {
        const bytes = Buffer.from(original);
        bytes[i]! ^= 1 << (i % 8);
        disk.put(path, bytes);
        const { findings } = verify(disk);
        expect(findings.length, `${path} byte ${i}`).toBeGreaterThan(0);
        expect(`${FOLDER}/${findings[0]!.file}`, `byte ${i}`).toBe(path);
        expect(findings[0]!.position, `${path} byte ${i}`).toBeLessThanOrEqual(i);
        flips++;
      }
      disk.put(path, original);
    }
    expect(flips).toBeGreaterThan(3000);
  });

  test("a flip inside a record is one finding that names its lsn, session and seq", async () => {
    const { disk } = await smallLedger();
    const path = segments(disk)[0]!;
    const bytes = Buffer.from(disk.contents(path));
    const third = frames(bytes).filter((f) => f.type === 1)[3]!;
    bytes[third.at + 110]! ^= 4;
    disk.put(path, bytes);
    const { findings } = verify(disk);
    expect(findings).toMatchObject([{ kind: "damaged", position: third.at, lsn: 4, session: "s1", seq: 2 }]);
  });
});

describe("random bits", () => {
  test("across 20 segments and their payload files: each is found, none hides what comes after it, and the host still opens", {
    timeout: 300_000,
  }, async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 21));
    for (let i = 0; segments(disk).length < 20; i++)
      journal.append(draft(clock, `s${i % 5}`, "x".repeat(i % 4 === 0 ? 400 : 20)));
    const { lsn } = journal.head();
    const tails = journal.tails();
    await journal.close();
    const random = seededRandom(3);
    for (let n = 0; n < (process.env["HOLDFAST_SOAK"] === "1" ? 2000 : 100); n++) {
      const hurt = disk.copy();
      const paths = [...segments(hurt), ...hurt.list(`${FOLDER}/payload`).map((name) => `${FOLDER}/payload/${name}`)];
      const path = paths[Math.floor(random() * paths.length)]!;
      const bytes = Buffer.from(hurt.contents(path));
      const bit = Math.floor(random() * bytes.length * 8);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      hurt.put(path, bytes);
      const report = verify(hurt);
      // A header that does not hold is told beside the records that are missing with it, where a later segment shows them missing.
      expect(report.findings.length, `${path} bit ${bit}`).toBeGreaterThan(0);
      expect(report.findings.length, `${path} bit ${bit}`).toBeLessThanOrEqual(path.endsWith(".seg") && bit < 192 * 8 ? 2 : 1);
      expect(report.records).toBeGreaterThanOrEqual(lsn - (path.endsWith(".seg") ? 40 : 0));
      const again = open(hurt, journalOptions(new Clock(), 22));
      let shown = 0;
      for (const s of ["host", "s0", "s1", "s2", "s3", "s4"]) for (const e of readAll(again, s)) if (!isGap(e)) shown++;
      expect(shown, `${path} bit ${bit}`).toBeGreaterThanOrEqual(lsn - 40);
      for (const t of tails)
        if (t.session !== "host")
          expect(again.append(draft(clock, t.session)).seq, `${path} bit ${bit}, ${t.session}`).toBeGreaterThan(t.lastSeq);
    }
  });
});

describe("records moved by someone without the key", () => {
  const change = async (edit: (bytes: Buffer, records: { at: number; end: number }[]) => Buffer) => {
    const { disk } = await smallLedger();
    const path = segments(disk)[0]!;
    const bytes = Buffer.from(disk.contents(path));
    disk.put(
      path,
      edit(
        bytes,
        frames(bytes).filter((f) => f.type === 1),
      ),
    );
    return verify(disk).findings;
  };

  test("a dropped record is named", async () => {
    const findings = await change((b, r) => Buffer.concat([b.subarray(0, r[3]!.at), b.subarray(r[3]!.end)]));
    expect(findings[0]).toMatchObject({ kind: "missing", lsn: 4, session: "s1", seq: 2 });
  });

  test("a doubled record is named", async () => {
    const findings = await change((b, r) => Buffer.concat([b.subarray(0, r[3]!.end), b.subarray(r[3]!.at)]));
    expect(findings[0]).toMatchObject({ kind: "doubled", lsn: 4, session: "s1", seq: 2 });
  });

  test("swapped records are both named", async () => {
    const findings = await change((b, r) =>
      Buffer.concat([
        b.subarray(0, r[3]!.at),
        b.subarray(r[4]!.at, r[4]!.end),
        b.subarray(r[3]!.at, r[3]!.end),
        b.subarray(r[4]!.end),
      ]),
    );
    expect(findings.map((f) => f.lsn)).toEqual([4, 4]);
    expect(findings[1]).toMatchObject({ kind: "out-of-order", session: "s1", seq: 2 });
  });

  test("an edited actor with a recomputed CRC breaks the chain at that record", async () => {
    const findings = await change((b, r) => {
      b[r[3]!.at + 138] = 0x62;
      restamp(b, r[3]!.at);
      return b;
    });
    expect(findings[0]).toMatchObject({ kind: "chain", lsn: 4 });
  });

  test("a chain computed anew from a record on is caught by the next seal", async () => {
    const { createHash } = await import("node:crypto");
    const findings = await change((b, r) => {
      for (let k = 3; k < r.length; k++) {
        const { at } = r[k]!;
        if (k === 3) b[at + 138] = 0x62;
        const regionEnd = 136 + b[at + 51]! + b[at + 52]! + b[at + 53]! + b.readUInt32LE(at + 100);
        const previous = b.subarray(r[k - 1]!.at + 16, r[k - 1]!.at + 48);
        createHash("sha256")
          .update(previous)
          .update(b.subarray(at + 48, at + regionEnd))
          .digest()
          .copy(b, at + 16);
        restamp(b, at);
      }
      return b;
    });
    expect(findings[0]!.kind).toBe("seal");
  });

  test("an insertion that takes a place of its own shows as a doubled record", async () => {
    const findings = await change((b, r) => {
      const forged = Buffer.from(b.subarray(r[3]!.at, r[3]!.end));
      forged[137] = 0x39;
      const segment = Buffer.concat([b.subarray(0, r[4]!.at), forged, b.subarray(r[4]!.at)]);
      restamp(segment, r[4]!.at);
      return segment;
    });
    expect(findings.length).toBeGreaterThan(0);
  });
});

describe("seals and whole segments", () => {
  test("a signature by another key is named", async () => {
    const { disk } = await smallLedger();
    const path = segments(disk)[0]!;
    const bytes = Buffer.from(disk.contents(path));
    const seal = frames(bytes).find((f) => f.type === 2)!;
    bytes.fill(1, seal.at + 112, seal.at + 176);
    restamp(bytes, seal.at);
    disk.put(path, bytes);
    expect(verify(disk).findings).toMatchObject([{ kind: "seal", position: seal.at }]);
  });

  test("a seal taken out is named", async () => {
    const { disk } = await smallLedger();
    const path = segments(disk)[0]!;
    const bytes = Buffer.from(disk.contents(path));
    const seal = frames(bytes).find((f) => f.type === 2)!;
    disk.put(path, Buffer.concat([bytes.subarray(0, seal.at), bytes.subarray(seal.end)]));
    expect(verify(disk).findings).toMatchObject([{ kind: "missing-seal" }]);
  });

  test("newest records cut off with their seal need a witness, and a witness is enough", async () => {
    const { disk, head } = await smallLedger();
    const path = segments(disk)[0]!;
    const bytes = Buffer.from(disk.contents(path));
    const last = frames(bytes)
      .filter((f) => f.type === 1)
      .at(-1)!;
    disk.put(path, bytes.subarray(0, last.at));
    expect(verify(disk).ok).toBe(true);
    expect(verify(disk, [head]).findings).toMatchObject([{ kind: "truncated", lsn: head.lsn }]);
  });

  const manySegments = async (): Promise<SimFS> => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 2));
    for (let i = 0; i < 120; i++) journal.append(draft(clock, `s${i % 3}`, `line ${i}`));
    await journal.close();
    return disk;
  };

  test("a deleted, a doubled and two swapped segments are named and the rest is still walked", async () => {
    const deleted = await manySegments();
    const [, second, third] = segments(deleted) as [string, string, string];
    const secondBytes = deleted.contents(second);
    const thirdBytes = deleted.contents(third);
    deleted.remove(second);
    const report = verify(deleted);
    expect(report.findings).toMatchObject([{ kind: "missing" }]);
    expect(report.records).toBeGreaterThan(60);

    const doubled = await manySegments();
    doubled.put(
      segments(doubled)
        .at(-1)!
        .replace(/\d{10}/, "0000000099"),
      secondBytes,
    );
    expect(verify(doubled).findings[0]).toMatchObject({ kind: "segment" });

    const swapped = await manySegments();
    swapped.put(second, thirdBytes);
    swapped.put(third, secondBytes);
    expect(verify(swapped).findings.map((f) => f.kind)).toEqual(expect.arrayContaining(["segment"]));
  });

  test("a zeroed middle segment is a gap for readers, is kept, and everything else reads", async () => {
    const disk = await manySegments();
    const second = segments(disk)[1]!;
    const length = disk.contents(second).length;
    disk.put(second, new Uint8Array(length));
    const journal = open(disk, journalOptions(new Clock(), 3));
    expect(journal.recovery.join("\n")).toContain("damaged header");
    for (const s of ["s0", "s1", "s2"]) {
      const all = readAll(journal, s);
      const gaps = all.filter(isGap);
      expect(gaps).toHaveLength(1);
      expect(gaps[0]!.reason).toBe("damaged");
      expect(all.filter((e) => !isGap(e)).length + gaps[0]!.toSeq - gaps[0]!.fromSeq + 1).toBe(40);
    }
    expect(disk.contents(second).length).toBe(length);
    await journal.close();
    expect(verify(disk).ok).toBe(false);
  });

  test("damage inside a sealed segment reads as a gap of exactly that record", async () => {
    const disk = await manySegments();
    const second = segments(disk)[1]!;
    const bytes = Buffer.from(disk.contents(second));
    const victim = frames(bytes)[5]!;
    bytes[victim.at + 120]! ^= 1;
    disk.put(second, bytes);
    const journal = open(disk, journalOptions(new Clock(), 3));
    const gaps = ["s0", "s1", "s2"].flatMap((s) => readAll(journal, s)).filter(isGap);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]!.fromSeq).toBe(gaps[0]!.toSeq);
  });
});

describe("what may be gone", () => {
  test("100 redacted payloads leave no byte on the disk, and the chain verifies", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 4));
    const secret = (i: number): string => (i % 2 === 0 ? `hunter2-${i};` : `hunter2-${i};`.padEnd(400, "z"));
    for (let i = 0; i < 150; i++) journal.append(draft(clock, "s1", secret(i)));
    const seqs = Array.from({ length: 100 }, (_, i) => i + 10);
    expect(journal.erase("s1", seqs)).toHaveLength(100);
    expect(journal.erase("s1", seqs)).toEqual([]);
    await journal.durable(journal.head().lsn);
    const states = readAll(journal, "s1").map((e) => (isGap(e) ? "gap" : e.payloadState));
    expect(states.filter((s) => s === "redacted")).toHaveLength(100);
    await journal.close();
    const everything = Buffer.concat([...disk.names.keys()].map((p) => disk.contents(p))).toString("latin1");
    for (const seq of seqs) expect(everything.includes(secret(seq - 1)), `seq ${seq}`).toBe(false);
    expect(everything.includes(secret(0))).toBe(true);
    const report = verify(disk);
    expect(report.findings).toEqual([]);
    expect(report.redacted).toBe(100);
  });

  test("a payload zeroed by hand is an erasure that nobody recorded", async () => {
    const { disk } = await smallLedger();
    const path = `${FOLDER}/payload/${disk.list(`${FOLDER}/payload`)[0]!}`;
    const bytes = Buffer.from(disk.contents(path));
    const length = bytes.readUInt32LE(128);
    bytes.fill(0, 132, 136);
    bytes.fill(0, 144, 160 + length);
    disk.put(path, bytes);
    expect(verify(disk).findings).toMatchObject([{ kind: "unexplained-erasure", position: 128, session: "s1", seq: 1 }]);
  });

  test("five pruned record segments and pruned payload files join by their signed marks, with exact gaps", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 5, { recordDays: 1 }));
    for (let i = 0; i < 160; i++) journal.append(draft(clock, "s1", "x".repeat(i % 2 === 0 ? 600 : 10)));
    const before = segments(disk).length;
    expect(before).toBeGreaterThan(5);
    journal.seal();
    clock.advance(3 * 86_400_000);
    for (let i = 0; i < 5; i++) journal.append(draft(clock, "s1", "new"));
    const gaps = journal.prune("s1", 1_000_000);
    expect(gaps[0]).toMatchObject({ reason: "pruned", fromSeq: 1, toSeq: 160 });
    expect(readAll(journal, "s1").map((e) => (isGap(e) ? `${e.reason} ${e.fromSeq}-${e.toSeq}` : e.seq))).toEqual([
      "pruned 1-160",
      161,
      162,
      163,
      164,
      165,
    ]);
    await journal.close();
    expect(segments(disk).length).toBe(1);
    expect(verify(disk).findings).toEqual([]);
    const again = open(disk, journalOptions(clock, 6, { recordDays: 1 }));
    expect(again.tail("s1")).toMatchObject({ firstSeq: 161, lastSeq: 165 });
    await again.close();
    expect(verify(disk).findings).toEqual([]);
  });

  test("payload retention drops whole files, oldest first, never past what a checkpoint needs", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 7));
    for (let i = 0; i < 60; i++) journal.append(draft(clock, "s1", "x".repeat(1000), { stream: 1, offset: i * 1000 }));
    expect(journal.prune("s1", 1)).toEqual([]);
    const [gap] = journal.prune("s1", 61);
    expect(gap).toMatchObject({ fromSeq: 1, reason: "pruned" });
    const all = readAll(journal, "s1");
    expect(all.map((e) => (isGap(e) ? "gap" : e.payloadState))).toEqual(
      Array.from({ length: 60 }, (_, i) => (i < gap!.toSeq ? "pruned" : "present")),
    );
    expect(journal.tail("s1")!.payloadBytes).toBeLessThanOrEqual(16 * 1024 + 4096);
    await journal.close();
    const report = verify(disk);
    expect(report.findings).toEqual([]);
    expect(report.pruned).toBe(gap!.toSeq);
    disk.remove(`${FOLDER}/payload/${disk.list(`${FOLDER}/payload`)[0]!}`);
    expect(verify(disk).findings[0]).toMatchObject({ kind: "payload", session: "s1" });
  });

  test("a removed session is forgotten, its bytes are gone, its records stay", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const options = journalOptions(clock, 8);
    const journal = open(disk, options);
    for (let i = 0; i < 40; i++)
      journal.append(draft(clock, i % 2 === 0 ? "s1" : "s2", i % 3 === 0 ? `topsecret${i}`.padEnd(500) : `topsecret${i}`));
    journal.remove("s1");
    expect(journal.tail("s1")).toBeNull();
    expect(journal.read("s1", 0, 1e6)).toEqual([]);
    await journal.close();
    const again = open(disk, options);
    expect(
      again
        .tails()
        .map((t) => t.session)
        .sort(),
    ).toEqual(["host", "s2"]);
    await again.close();
    const everything = Buffer.concat([...disk.names.keys()].map((p) => disk.contents(p))).toString("latin1");
    expect([...everything.matchAll(/topsecret(\d+)/g)].every((m) => Number(m[1]) % 2 === 1)).toBe(true);
    const report = verify(disk);
    expect(report.findings).toEqual([]);
  });
});
