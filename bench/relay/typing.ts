/** Keys one after the other, each after the echo of the one before: to `cat` on a terminal, over whatever leads there. Each way is opened once, and stays. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "@holdfast/sdk/node";
import { orders, tell } from "./talking.ts";

/** How one types: what is heard goes to `heard`. */
export type TypingWay =
  | {
      readonly kind: "hold";
      readonly home: string;
      readonly session: string;
      readonly url?: string;
      readonly trust?: string;
      readonly ca?: string;
    }
  | { readonly kind: "program"; readonly argv: readonly string[] };

interface Typing {
  type(key: number): void;
  heard: (bytes: Uint8Array) => void;
}

async function overHold({ home, session, url, trust, ca }: Extract<TypingWay, { kind: "hold" }>): Promise<Typing> {
  const client = await connect(url === undefined ? { home } : { home, url, ...(trust && { trust }), ...(ca && { ca }) });
  const typing: Typing = { type: () => {}, heard: () => {} };
  const attachment = await client.attach({ session }, { output: ({ bytes }) => typing.heard(bytes) });
  typing.type = (key) => void attachment.input(Uint8Array.of(key));
  return typing;
}

/** Resolves at the program's first word. */
async function overProgram([command = "", ...args]: readonly string[], children: ChildProcess[]): Promise<Typing> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
  const typing: Typing = { type: (key) => void child.stdin.write(Uint8Array.of(key)), heard: () => {} };
  await new Promise<void>((ready, reject) => {
    child.stdout.once("data", () => ready());
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
  });
  child.stdout.on("data", (bytes: Buffer) => typing.heard(bytes));
  return typing;
}

const NEWLINE = 0x0a;
/** A terminal takes a line of 4,095 at most. */
const LINE_KEYS = 1_000;

export async function typing(): Promise<void> {
  const ways = new Map<string, Typing>();
  const children: ChildProcess[] = [];
  for await (const { name, way, keys } of orders<{ name: string; way?: TypingWay; keys?: number }>()) {
    try {
      if (way) ways.set(name, way.kind === "hold" ? await overHold(way) : await overProgram(way.argv, children));
      const took = keys === undefined ? [] : await timed(ways.get(name)!, keys);
      tell({ name, took });
    } catch (fault) {
      tell({ failed: `${name}: ${String(fault)}` });
    }
  }
  for (const child of children) child.kill();
  process.exit(0);
}

async function timed(by: Typing, keys: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < keys; i++) {
    const key = i % LINE_KEYS === LINE_KEYS - 1 ? NEWLINE : 0x61 + (i % 7);
    const began = performance.now();
    await new Promise<void>((echoed) => {
      by.heard = (bytes) => bytes.includes(key) && echoed();
      by.type(key);
    });
    took.push(performance.now() - began);
  }
  by.heard = () => {};
  return took;
}
