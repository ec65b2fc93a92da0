/**
 * A running program that uses the SDK, for the rows of the table that are measured from inside one. The instrument starts it on a
 * terminal of its own, sends orders as JSON lines to its standard input, and reads one JSON line of answer to each from fd 3.
 * Times are of CLOCK_MONOTONIC in seconds, which the instrument shares.
 */
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Attachment, HostClient } from "@holdfast/sdk";
import { connect, homeFolder } from "@holdfast/sdk/node";

const now = (): number => Number(process.hrtime.bigint()) / 1e9;
const home = homeFolder();
const size = { cols: 120, rows: 40 };
const kept: Attachment[] = [];
let client: HostClient;

interface Order {
  readonly do: string;
  readonly session: string;
  readonly sessions: readonly string[];
  readonly argv: readonly string[];
  readonly count: number;
  readonly bytes: number;
  readonly end: string;
}

/** Keystrokes one after the other: from `input` to the echo in `output`. */
async function echo({ session, count }: Order): Promise<object> {
  let seen: ((at: number) => void) | null = null;
  let wanted = 0;
  const attachment = await client.attach(
    { session, size },
    {
      output: ({ bytes }) => {
        if (seen && bytes.includes(wanted)) seen(now());
      },
    },
  );
  const took: number[] = [];
  for (let i = 0; i < count + 20; i++) {
    wanted = 0x61 + (i % 7);
    const arrived = new Promise<number>((resolve) => {
      seen = resolve;
    });
    const began = now();
    const settled = attachment.input(Uint8Array.of(wanted));
    const at = await arrived;
    seen = null;
    await settled;
    if (i >= 20) took.push((at - began) * 1000);
    await delay(2 + (i % 2));
  }
  await attachment.detach();
  return { took };
}

/** Attaches and draws the snapshot on our terminal. */
async function draw({ session }: Order): Promise<object> {
  const began = now();
  let told: () => void;
  const drawn = new Promise<void>((resolve) => {
    told = resolve;
  });
  let at = 0;
  let bytes = 0;
  const attachment = await client.attach(
    { session, size },
    {
      snapshot: ({ vt }) => {
        at = now();
        bytes = vt.length;
        writeAll(vt);
        told();
      },
    },
  );
  await drawn;
  await delay(300);
  await attachment.detach();
  return { began, snapshot: at, bytes };
}

/** The client's terminal is in blocking mode: a write takes what it takes. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

/** Reads output until `end` came, and does nothing else with it. The answer "attached" goes before. */
async function read({ session, end }: Order): Promise<object> {
  const mark = Buffer.from(end);
  let bytes = 0;
  let rest = Buffer.alloc(0);
  let snapshots = 0;
  let told: (at: number) => void;
  const ended = new Promise<number>((resolve) => {
    told = resolve;
  });
  const attachment = await client.attach(
    { session, size },
    {
      snapshot: () => {
        snapshots++;
      },
      output: (o) => {
        bytes += o.bytes.length;
        const tail = Buffer.concat([rest, o.bytes.subarray(-mark.length)]);
        if (tail.includes(mark) || Buffer.from(o.bytes.buffer, o.bytes.byteOffset, o.bytes.length).includes(mark)) told(now());
        rest = tail.subarray(-mark.length);
      },
    },
  );
  answer({ attached: true });
  const at = await ended;
  await attachment.detach();
  return { at, bytes, snapshots };
}

/** Opens `count` sessions, eight at a time. */
async function open({ count, argv, session }: Order): Promise<object> {
  const began = now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count)
      await client.open({
        name: `${session}${next++}`,
        command: argv,
        size,
        env: { ...process.env, HOLDFAST_BENCH_ROLE: "program" },
      });
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return { seconds: now() - began };
}

/** Waits until a host serves all sessions again: a new link, and every session running. */
async function serves({ count }: Order): Promise<object> {
  for (;;) {
    try {
      const fresh = await connect({ home, timeoutMs: 500 });
      const running = (await fresh.list()).filter((s) => s.pid > 0 && s.exit === undefined);
      fresh.close();
      if (running.length >= count) return { at: now(), pids: running.map((s) => s.pid) };
    } catch {
      // Not yet.
    }
    await delay(2);
  }
}

async function paste({ session, bytes }: Order): Promise<object> {
  const data = Buffer.alloc(bytes, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n");
  const attachment = await client.attach({ session, size }, {});
  const began = now();
  const outcome = await attachment.input(data);
  const ended = now();
  await attachment.detach();
  return { began, ended, written: outcome.bytes, code: outcome.code ?? null };
}

const orders: Record<string, (order: Order) => Promise<object>> = {
  echo,
  draw,
  read,
  open,
  serves,
  paste,
  async list() {
    const began = now();
    const sessions = await client.list();
    return { ms: (now() - began) * 1000, pids: sessions.map((s) => s.pid) };
  },
  /** Attaches to each and stays; what comes is dropped. */
  async keep({ sessions }) {
    for (const session of sessions) {
      let ready: () => void;
      const drawn = new Promise<void>((resolve) => {
        ready = resolve;
      });
      kept.push(await client.attach({ session, size }, { snapshot: () => ready() }));
      await drawn;
    }
    return {};
  },
  async leave() {
    for (const attachment of kept.splice(0)) await attachment.detach();
    return {};
  },
};

function answer(value: object): void {
  writeSync(3, `${JSON.stringify(value)}\n`);
}

process.stdout.on("error", () => process.exit(0));
client = await connect({ home, client: `bench/${randomBytes(2).toString("hex")}` });
answer({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  try {
    answer(await orders[order.do]!(order));
  } catch (fault) {
    answer({ error: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) });
  }
}
process.exit(0);
