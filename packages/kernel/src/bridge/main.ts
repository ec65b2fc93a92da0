/**
 * The program: `node --expose-gc --max-semi-space-size=1 kernel-bridge.mjs --kernel NAME --folder DIR [--transport ipc|tcp] …`, with records on standard input and output.
 * Its working directory and environment are the kernel's. Exit 0 when it was asked to end, 1 when it could not begin.
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "node:zlib";
import { RecordDecoder } from "../record/index.ts";
import { findKernels, kernelFolders, kernelNamed } from "../spec/index.ts";
import { Bridge } from "./bridge.ts";
import { Outlet } from "./outlet.ts";
import { Spool } from "./spool.ts";

const SPOOL_BYTES = 256 * 1024 * 1024;
/** How long the last words may take when all is over; a pipe that nobody reads keeps a bridge no longer. */
const LAST_WORDS_MS = 2_000;

const { values } = parseArgs({
  options: {
    kernel: { type: "string" },
    folder: { type: "string" },
    transport: { type: "string" },
    "spool-bytes": { type: "string" },
    "heartbeat-ms": { type: "string" },
    "ready-ms": { type: "string" },
  },
});

const fail = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};
/**
 * Messages are memory of ZeroMQ's that the collector does not see grow: by itself it lets 64 MiB of them lie. A collection of the young
 * takes about a millisecond, and is asked for once in this many bytes (under `node --expose-gc`).
 */
const SWEEP_BYTES = 4 * 1024 * 1024;
let unsweptBytes = 0;
const sweep = (bytes: number): void => {
  unsweptBytes += bytes;
  if (unsweptBytes < SWEEP_BYTES) return;
  unsweptBytes = 0;
  void globalThis.gc?.({ type: "minor", execution: "sync" });
};

/** Variables that are the bridge's alone, such as its allocator's: named, with commas between, by this one. */
function kernelEnvironment(): Record<string, string | undefined> {
  const { HOLDFAST_BRIDGE_ONLY = "", ...env } = process.env;
  for (const name of HOLDFAST_BRIDGE_ONLY.split(",")) delete env[name];
  return env;
}

const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : Number(text));

async function main(): Promise<void> {
  const { kernel: name, folder, transport } = values;
  if (!name || !folder?.startsWith("/")) return fail("[usage] --kernel NAME and --folder DIR (absolute) are needed");
  if (transport !== undefined && transport !== "ipc" && transport !== "tcp") return fail("[usage] --transport is ipc or tcp");
  const kernel = kernelNamed(await findKernels(kernelFolders(process.env)), name);
  if (!kernel.ok) return fail(kernel.message);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);

  // process.stdout would write to a pipe by blocking the process, and with it the reading of the kernel.
  const pipe = new Socket({ fd: 1, readable: false, writable: true });
  const spoolPath = join(folder, `spool-${process.pid}`);
  rmSync(spoolPath, { force: true });
  const spool = new Spool(spoolPath, number(values["spool-bytes"], SPOOL_BYTES));
  const outlet = new Outlet(pipe, spool, Date.now, () => bridge.eased());
  const finish = (exitCode: number) => {
    setTimeout(() => process.exit(exitCode), LAST_WORDS_MS);
    const look = () => (pipe.writableLength === 0 && !outlet.isBehind ? process.exit(exitCode) : setTimeout(look, 5));
    look();
  };
  const bridge = new Bridge(
    {
      kernel: kernel.kernel,
      folder,
      ...(transport ? { transport } : {}),
      heard: sweep,
      cwd: process.cwd(),
      env: kernelEnvironment(),
      heartbeatMs: number(values["heartbeat-ms"], 3_000),
      readyMs: number(values["ready-ms"], 60_000),
    },
    outlet,
    finish,
  );
  const decoder = new RecordDecoder(crc32);
  bridge.heldInputBytes = () => decoder.heldBytes;
  const input = new Socket({ fd: 0, readable: true, writable: false });
  input.on("data", (bytes: Buffer) => {
    for (const found of decoder.push(bytes)) {
      if ("record" in found) bridge.take(found.record);
      else bridge.skipped(found.skippedBytes);
    }
  });
  const gone = () => void bridge.end("stdin_closed");
  input.on("end", gone);
  input.on("error", gone);
  // The shim is gone, and the session with it.
  pipe.on("error", gone);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void bridge.end("terminated"));
  // A ^C for the kernel is sent to the kernel.
  process.on("SIGINT", () => {});
  await bridge.begin();
}

await main();
