/**
 * A kernel's process: started so that it needs nobody, or taken up from a bridge that has gone.
 *
 *   X1  It leads a session and a group of its own and watches no parent; its bridge may die at any moment and it goes on.
 *   X2  What it prints beside the protocol goes to FIFOs that it holds open for reading too: without a bridge a print waits at worst, and
 *       never fails or kills the kernel; the next bridge reads what waits.
 *   X3  A pid is believed only together with its start time.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { NativeStream } from "../record/index.ts";

export interface KernelExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ProcessEvents {
  printed(stream: NativeStream, bytes: Uint8Array): void;
  exited(exit: KernelExit): void;
}

export interface StartOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Of the FIFOs. */
  readonly folder: string;
  readonly incarnation: number;
}

/** How often a kernel that is no child of ours is looked at. */
const LOOK_MS = 250;

export class KernelProcess {
  readonly pid: number;
  readonly startedTicks: string;
  readonly #events: ProcessEvents;
  #natives: Socket[] = [];
  #looking: NodeJS.Timeout | undefined;
  #exit: KernelExit | null = null;
  readonly #exited: Promise<void>;
  #tellExited = () => {};

  private constructor(pid: number, startedTicks: string, events: ProcessEvents) {
    this.pid = pid;
    this.startedTicks = startedTicks;
    this.#events = events;
    this.#exited = new Promise((done) => {
      this.#tellExited = done;
    });
  }

  /** Rejects with the system's error where it can't be started. */
  static async start(options: StartOptions, events: ProcessEvents): Promise<KernelProcess> {
    const paths = fifos(options.folder, options.incarnation);
    for (const path of paths) rmSync(path, { force: true });
    execFileSync("mkfifo", ["-m", "600", ...paths]);
    const ends = paths.map((path) => openSync(path, constants.O_RDWR));
    try {
      const [program, ...rest] = options.argv;
      const stdio = ["ignore" as const, ends[0]!, ends[1]!];
      const child = spawn(program!, rest, { cwd: options.cwd, env: options.env, detached: true, stdio });
      await new Promise<void>((done, failed) => {
        child.once("spawn", done);
        child.once("error", failed);
      });
      const made = new KernelProcess(child.pid!, startOf(child.pid!), events);
      made.#drain(paths);
      made.#watch(child);
      return made;
    } catch (fault) {
      for (const path of paths) rmSync(path, { force: true });
      throw fault;
    } finally {
      for (const end of ends) closeSync(end);
    }
  }

  /** Null where no such process lives. */
  static adopt(
    pid: number,
    startedTicks: string,
    where: { readonly folder: string; readonly incarnation: number },
    events: ProcessEvents,
  ): KernelProcess | null {
    if (!isAlive(pid, startedTicks)) return null;
    const made = new KernelProcess(pid, startedTicks, events);
    made.#drain(fifos(where.folder, where.incarnation));
    made.#looking = setInterval(() => {
      if (!isAlive(pid, startedTicks)) made.#ended({ code: null, signal: null });
    }, LOOK_MS);
    return made;
  }

  get isGone(): boolean {
    return this.#exit !== null;
  }

  /** To its whole group; whatever has ended meanwhile is no fault. */
  signal(name: NodeJS.Signals): void {
    if (this.#exit !== null) return;
    try {
      process.kill(-this.pid, name);
    } catch {
      /* it has just ended */
    }
  }

  /** True when it has ended within that time. */
  async endsWithin(ms: number): Promise<boolean> {
    if (this.#exit !== null) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, ms);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(timer);
    return this.isGone;
  }

  /** Stops or goes on reading what it prints; while nobody reads, its prints wait (X2). */
  pauseNatives(isPaused: boolean): void {
    for (const socket of this.#natives) {
      if (isPaused) socket.pause();
      else socket.resume();
    }
  }

  /** Lets go of it, alive or not. */
  close(): void {
    clearInterval(this.#looking);
    for (const socket of this.#natives) socket.destroy();
    this.#natives = [];
  }

  #watch(child: ChildProcess): void {
    child.once("exit", (code, signal) => this.#ended({ code, signal }));
  }

  #ended(exit: KernelExit): void {
    if (this.#exit !== null) return;
    clearInterval(this.#looking);
    this.#exit = exit;
    this.#tellExited();
    this.#events.exited(exit);
  }

  #drain(paths: readonly [string, string]): void {
    for (const [i, path] of paths.entries()) {
      if (!existsSync(path)) continue;
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const socket = new Socket({ fd, readable: true, writable: false });
      const stream = i === 0 ? "stdout" : "stderr";
      socket.on("data", (bytes: Buffer) => this.#events.printed(stream, bytes));
      socket.on("error", () => socket.destroy());
      socket.on("end", () => rmSync(path, { force: true }));
      this.#natives.push(socket);
    }
  }
}

const fifos = (folder: string, incarnation: number): [string, string] => [
  join(folder, `native-${incarnation}.out`),
  join(folder, `native-${incarnation}.err`),
];

/** Start time in clock ticks since boot, which with the pid names one process; empty where the system does not say. */
function startOf(pid: number): string {
  const fields = statOf(pid);
  return fields?.[19] ?? "";
}

function isAlive(pid: number, startedTicks: string): boolean {
  if (startedTicks !== "") {
    const fields = statOf(pid);
    return fields !== null && fields[19] === startedTicks && fields[0] !== "Z" && fields[0] !== "X";
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Fields of /proc/PID/stat after the name, from `state` on. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(") ") + 2).split(" ");
  } catch {
    return null;
  }
}
