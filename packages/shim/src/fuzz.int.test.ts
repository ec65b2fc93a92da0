/**
 * Hostile frames against a shim built with ASan and UBSan, for `HOLDFAST_FUZZ_MS` (5 s; 10 minutes in the soak).
 * A second reading of the protocol, below, says which inputs of a mutated stream are still valid; exactly what the shim reports
 * as written of those, and not one byte else, may come out of the program. Seeds lie in test/corpus; what fails is added there.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as frame from "./frame.ts";
import { corpusFolder, fact, isAlive, isSoak, type Session, shimBinary, type Tap, World } from "../test/world.ts";

const budgetMs = Number(process.env.HOLDFAST_FUZZ_MS ?? (isSoak ? 600_000 : 5_000));
const seed = Number(process.env.HOLDFAST_FUZZ_SEED ?? 1);

/** mulberry32 */
function dice(state: number): (n: number) => number {
  let s = state >>> 0;
  return (n) => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

interface Reading {
  /** What may be written to the program, by seq. */
  readonly inputs: Map<bigint, Buffer>;
  /** Results or output may have been acknowledged away, so that the books can't be balanced. */
  acked: boolean;
}

/** What a stream of bytes says, up to the first fault. Written from docs/shim-protocol.md, not from the C. */
function read(bytes: Buffer, receivedSeq: bigint, isPty: boolean): Reading {
  const out: Reading = { inputs: new Map(), acked: false };
  let last = receivedSeq;
  let greeted = false;
  for (let at = 0; bytes.length - at >= 8; ) {
    const length = bytes.readUInt32LE(at);
    const type = bytes[at + 4]!;
    if (length > (type === frame.Type.input ? 65_552 : 4_104) || bytes[at + 5] !== 0 || bytes.readUInt16LE(at + 6) !== 0)
      return out;
    if (bytes.length - at < 8 + length) return out;
    const b = bytes.subarray(at + 8, at + 8 + length);
    at += 8 + length;
    if (!greeted) {
      if (type !== frame.Type.hello || length < 16 || b.readUInt32LE(0) !== 0x31464c48) return out;
      out.acked ||= b.readUInt32LE(12) > 0;
      greeted = true;
      continue;
    }
    if (type === frame.Type.ack) out.acked = true;
    if (type === frame.Type.input && length >= 16 && b.readUInt32LE(12) === 0) note(b.readBigUInt64LE(0), b.subarray(16));
    else if (type === frame.Type.interrupt && length === 16)
      note(b.readBigUInt64LE(0), isPty ? b.subarray(9, 10) : Buffer.alloc(0));
    else if (type >= 4 && type <= 6 && length >= 8) note(b.readBigUInt64LE(0), Buffer.alloc(0));
    else if (type === frame.Type.respawn && length >= 10) note(b.readBigUInt64LE(0), Buffer.alloc(0));
  }
  return out;

  function note(seq: bigint, payload: Buffer): void {
    if (seq === 0n || seq >> 63n || seq <= last) return;
    last = seq;
    out.inputs.set(seq, payload);
  }
}

function someFrame(d: (n: number) => number, seq: bigint): Buffer {
  const path = "/no/such/spec";
  switch (d(14)) {
    case 0:
      return frame.encodeInterrupt(seq, (["intr", "quit", "susp"] as const)[d(3)]!, d(256));
    case 1:
      return frame.encodeResize(seq, d(300), d(300), 0, 0);
    case 2:
      return frame.encodeSignal(seq, (["leader", "foreground", "tree"] as const)[d(3)]!, [0, 18, 28, 23, 99, 255][d(6)]!);
    case 3:
      return frame.encodeCancel(d(3));
    case 4:
      return frame.encodeProbe(d(1_000));
    case 5:
      return frame.encodeAck({ streams: [{ stream: d(4) as 0, offset: BigInt(d(5_000)) }] });
    case 6:
      return frame.encodeAck({ resultSeq: seq + 2n - BigInt(d(3)), exit: d(2) === 0 });
    case 7:
      return frame.encodeRelease();
    case 8:
      return frame.encodeRespawn(seq, path);
    case 9:
      return frame.encodeHello([]);
    case 10:
      return frame.encodeInput(seq, d(3), Buffer.alloc(d(60_000), 65 + d(26)));
    default:
      return frame.encodeInput(seq, d(3), Buffer.alloc(d(40), 65 + d(26)));
  }
}

function mutate(d: (n: number) => number, b: Buffer, other: Buffer): Buffer {
  const at = d(Math.max(b.length, 1));
  switch (d(8)) {
    case 0:
      return b.subarray(0, at);
    case 1:
      return Buffer.concat([b.subarray(0, at), Buffer.from([d(256), d(256)]), b.subarray(at)]);
    case 2:
      return Buffer.concat([b.subarray(0, at), b.subarray(at + 1 + d(8))]);
    case 3:
      return Buffer.concat([b.subarray(0, at), other.subarray(d(Math.max(other.length, 1)))]);
    case 4: {
      const c = Buffer.from(b);
      if (c.length >= 4) c.writeUInt32LE([0, 1, 8, 0xffff, 0x10000, 0x10010, 0x10011, 0x7fffffff, 0xffffffff][d(9)]!, 0);
      return c;
    }
    case 5: {
      const c = Buffer.from(b);
      if (c.length >= 16) c.writeBigUInt64LE([0n, 1n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n][d(5)]!, 8);
      return c;
    }
    default: {
      const c = Buffer.from(b);
      for (let i = 0; i <= d(4) && c.length > 0; i++) c[d(Math.min(c.length, 64))]! ^= 1 << d(8);
      return c;
    }
  }
}

/** Writes all of it, hangs up, and waits until the shim has let go. */
function knock(path: string, bytes: Buffer): Promise<void> {
  return new Promise((done) => {
    const socket = createConnection({ path }, () => socket.end(bytes));
    socket
      .on("error", () => {})
      .on("close", () => done())
      .resume();
  });
}

interface Target {
  readonly session: Session;
  readonly isPty: boolean;
  readonly stream: 0 | 1;
  received: bigint;
  /** Output before this is accounted for. */
  offset: bigint;
}

async function target(world: World, isPty: boolean): Promise<Target> {
  const session = isPty
    ? await world.shell("stty raw -echo; echo ready; exec cat")
    : await world.shell("echo ready; exec cat", { mode: "pipes" });
  const stream = isPty ? 0 : 1;
  const tap = session.tap();
  await tap.says("ready\n", stream);
  const t: Target = { session, isPty, stream, received: 0n, offset: BigInt(tap.bytes) };
  await tap.probe();
  tap.link.close();
  return t;
}

/** One hostile visit, and the books after it. False: the program has ended (a valid signal or EOF did that). */
async function visit(world: World, t: Target, bytes: Buffer): Promise<boolean> {
  const reading = read(bytes, t.received, t.isPty);
  await knock(t.session.socketPath, bytes);
  if (!isAlive(t.session.shimPid)) {
    const released = !readdirSync(world.dir).includes(t.session.socketPath.split("/").at(-1)!);
    const reports = readdirSync(world.dir).filter((f) => f.startsWith("asan"));
    expect({ released, report: reports.map((f) => readFileSync(world.path(f), "utf8")) }).toEqual({ released: true, report: [] });
    return false;
  }
  const tap: Tap = t.session.tap({ auto: false, acked: [] });
  const w = await tap.linked();
  if (w.phase !== "running") return leave(tap);
  await fact("all that was accepted is settled", async () => (await tap.probe()).queuedInputBytes === 0);
  await tap.probe(); // results come before the answer
  const written = tap.results.filter((r) => r.bytes > 0).sort((a, b) => Number(a.seq - b.seq));
  for (const r of written) expect(reading.inputs.has(r.seq) ? "valid" : `seq ${r.seq} was never validly sent`).toBe("valid");
  const wanted = Buffer.concat(written.map((r) => reading.inputs.get(r.seq)!.subarray(0, r.bytes)));
  const start = w.streams.find((s) => s.stream === t.stream)!.start;
  if (!reading.acked) {
    expect(start).toBe(t.offset);
    await fact("the program has echoed all that was written", () => BigInt(tap.bytes) >= BigInt(wanted.length) || tap.exit);
    if (tap.exit) return leave(tap);
    expect(tap.data(t.stream).equals(wanted)).toBe(true);
  }
  t.received = w.receivedSeq;
  // A clean page: everything is acknowledged, and what is still to come of an unbalanced page is waited for by a marker.
  tap.link.input(t.received + 1n, 0, Buffer.from("\u0001\u0002END\u0003"));
  await fact("the marker comes back", () => tap.text(t.stream).endsWith("\u0001\u0002END\u0003") || tap.exit || tap.ended);
  if (tap.exit || tap.ended) return leave(tap);
  t.received += 1n;
  t.offset = start + BigInt(tap.bytes);
  tap.link.ack({ streams: [{ stream: t.stream, offset: t.offset }], resultSeq: t.received });
  await tap.probe();
  tap.link.close();
  return t.received < 2n ** 61n;
}

function leave(tap: Tap): false {
  tap.link.close();
  return false;
}

test(`hostile frames for ${budgetMs} ms (seed ${seed}) neither crash the shim nor reach the program`, {
  timeout: 0,
}, async () => {
  await using world = new World(shimBinary("sanitized"));
  process.env.ASAN_OPTIONS = `log_path=${world.path("asan")}:detect_leaks=0`;
  process.env.UBSAN_OPTIONS = `log_path=${world.path("asan")}:halt_on_error=1`;
  const d = dice(seed);
  const corpus = readdirSync(corpusFolder)
    .sort()
    .map((f) => readFileSync(join(corpusFolder, f)));
  expect(corpus.length).toBeGreaterThan(10);
  const targets = [await target(world, true), await target(world, false)];
  const deadline = performance.now() + budgetMs;
  let visits = 0;
  for (let replayed = 0; performance.now() < deadline || replayed < 2 * corpus.length; visits++) {
    const which = visits % 2;
    const t = targets[which]!;
    let bytes: Buffer;
    if (replayed < 2 * corpus.length) bytes = corpus[replayed++ >> 1]!;
    else {
      const parts = d(10) === 0 ? [] : [frame.encodeHello([])];
      for (let i = 0, seq = t.received + 1n; i <= d(6); i++, seq += 1n) {
        const f = someFrame(d, seq);
        parts.push(d(2) === 0 ? f : mutate(d, f, corpus[d(corpus.length)]!));
      }
      bytes = Buffer.concat(parts);
      if (d(20) === 0) bytes = mutate(d, corpus[d(corpus.length)]!, bytes);
    }
    try {
      if (!(await visit(world, t, bytes))) targets[which] = await target(world, which === 0);
    } catch (e) {
      mkdirSync(corpusFolder, { recursive: true });
      writeFileSync(join(corpusFolder, `found-${seed}-${visits}.bin`), bytes);
      throw e;
    }
  }
  expect(readdirSync(world.dir).filter((f) => f.startsWith("asan"))).toEqual([]);
  console.log(`${visits} hostile visits`);
});
