/**
 * Talking to the keeper: starting one, asking how its host is, and having it start shims.
 * `startShim` starts a shim without a keeper: for tests, and for tools that keep their own children.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { dialUnix } from "./connect.ts";
import * as frame from "./frame.ts";

/** A shim that could not be started. `errno` such as `EADDRINUSE`, `step`: `spec`, `socket`, `fork`, `exec`, … */
export class ShimStartError extends Error {
  readonly code = "shim_start_failed";
  readonly errno: string;
  readonly step: string;
  constructor(errno: string, step: string) {
    super(`[shim_start_failed] the shim could not start: ${errno} at ${step}`);
    this.name = "ShimStartError";
    this.errno = errno;
    this.step = step;
  }
}

export class KeeperUnreachable extends Error {
  readonly code = "keeper_unreachable";
  constructor(socketPath: string, why: string) {
    super(`[keeper_unreachable] no keeper answers at ${socketPath} (${why}); start one with \`hold host up\``);
    this.name = "KeeperUnreachable";
  }
}

export const keeperSocketPath = (runDir: string): string => join(runDir, "keeper.sock");

export interface StartKeeperOptions {
  /** Absolute path of the shim binary ({@link findShim}). */
  readonly binary: string;
  /** The home's 0700 run folder. */
  readonly runDir: string;
  /** Appended to: the keeper's own lines and the host's stdout and stderr. */
  readonly logFile: string;
  /** Absolute argv of the host; started again whenever it ends other than by exit 0. */
  readonly hostArgv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Resolves when a keeper listens: `started`, or `running` if one already held the home. */
export function startKeeper(o: StartKeeperOptions): Promise<"started" | "running"> {
  return new Promise((resolve, reject) => {
    const child = spawn(o.binary, ["keeper", o.runDir, o.logFile, "--", ...o.hostArgv], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: { ...(o.env ?? process.env) } as NodeJS.ProcessEnv,
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (s: string) => {
      said += s;
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      child.stderr.destroy();
      if (code === 0) resolve("started");
      else if (code === 75) resolve("running");
      else reject(new Error(`[keeper_failed] ${said.trim() || `exit ${code}`}`));
    });
  });
}

/** Asks the keeper of `runDir` to start a shim from a spec file. Resolves with its pid once its socket listens. */
export async function spawnShim(runDir: string, specPath: string): Promise<{ readonly pid: number }> {
  const { pid, errno, step } = frame.decodeSpawned(
    await ask(keeperSocketPath(runDir), frame.encodeSpawn(specPath), frame.Type.spawned),
  );
  if (errno) {
    rmSync(specPath, { force: true }); // the shim removes only what it could read; the file holds an environment
    throw new ShimStartError(frame.errnoName(errno), step);
  }
  return { pid };
}

export async function keeperStatus(runDir: string): Promise<frame.KeeperStatus> {
  return frame.decodeStatused(await ask(keeperSocketPath(runDir), frame.encodeStatus(), frame.Type.statused));
}

/** One question, one answer, one connection. */
function ask(path: string, question: Buffer, answer: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let got: Buffer = Buffer.alloc(0);
    const socket = dialUnix(path, (p) => createConnection({ path: p }));
    const fail = (why: string) => reject(new KeeperUnreachable(path, why));
    socket.on("error", (e) => fail(e.message));
    socket.on("close", () => fail("it closed the connection"));
    socket.on("data", (chunk) => {
      got = Buffer.concat([got, chunk as Buffer]);
      if (got.length < frame.HEADER_BYTES || got.length < frame.HEADER_BYTES + got.readUInt32LE(0)) return;
      if (got[4] !== answer) fail(`an answer of type ${got[4]}`);
      resolve(got.subarray(frame.HEADER_BYTES, frame.HEADER_BYTES + got.readUInt32LE(0)));
      socket.destroy();
    });
    socket.write(question);
  });
}

/** Starts a shim as this process's child (it leads a session of its own and outlives us). Resolves once its socket listens. */
export function startShim(binary: string, specPath: string): Promise<{ readonly pid: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ["shim", specPath, "3"], { stdio: ["ignore", "ignore", "inherit", "pipe"], detached: true });
    let got: Buffer = Buffer.alloc(0);
    const ready = child.stdio[3] as Readable;
    child.on("error", reject);
    ready.on("data", (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
    });
    ready.on("close", () => {
      child.unref();
      if (got.length < 24 || got.readUInt32LE(4)) rmSync(specPath, { force: true });
      if (got.length < 24) return reject(new ShimStartError("EIO", "shim"));
      const { pid, errno, step } = frame.decodeSpawned(got);
      if (errno) reject(new ShimStartError(frame.errnoName(errno), step));
      else resolve({ pid });
    });
  });
}
