/** Processes of the relay's bench: each speaks a line of JSON with who started it, and is ended by its pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const TICKS_PER_SECOND = 100;

export class Talking {
  readonly #child: ChildProcess;
  readonly #said: unknown[] = [];
  readonly #waiting: { resolve(value: unknown): void; reject(why: Error): void }[] = [];
  readonly #name: string;
  #over: Error | null = null;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#name = args.slice(0, 2).join(" ");
    const shown = process.env["BENCH_VERBOSE"] ? "inherit" : "ignore";
    this.#child = spawn(command, [...args], { stdio: ["pipe", "pipe", shown], env });
    // One that has ended hears nothing: its end tells.
    this.#child.stdin!.on("error", () => {});
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#heard(JSON.parse(line)));
    const over = (why: string): void => {
      this.#over = new Error(`${this.#name} is over (${why}); BENCH_VERBOSE=1 shows what it says`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
    };
    this.#child.on("exit", (code, signal) => over(String(signal ?? code)));
    this.#child.on("error", (fault) => over(fault.message));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  #heard(value: unknown): void {
    const next = this.#waiting.shift();
    const { failed } = (value ?? {}) as { failed?: string };
    if (!next) this.#said.push(value);
    else if (failed === undefined) next.resolve(value);
    else next.reject(new Error(`${this.#name}: ${failed}`));
  }

  hear<T>(): Promise<T> {
    if (this.#said.length > 0) return Promise.resolve(this.#said.shift() as T);
    if (this.#over) return Promise.reject(this.#over);
    return new Promise<T>((resolve, reject) => this.#waiting.push({ resolve: (value) => resolve(value as T), reject }));
  }

  ask<T>(value: object): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(value)}\n`);
    return this.hear<T>();
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** Asks for nothing more: it ends what it began, and itself. */
  async finish(): Promise<void> {
    if (this.#over) return;
    const gone = once(this.#child, "exit");
    this.#child.stdin!.end();
    await gone;
  }

  /** Proportional set size. */
  get pssKib(): number {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  }

  /** Of user and system together. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}

/** What comes by standard input, one JSON value a line. */
export async function* orders<T>(): AsyncIterable<T> {
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as T;
}

export const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);
