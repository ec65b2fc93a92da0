/**
 * What stands in the home's `run` folder for one session, and that it goes with it: `ID.sock` (the shim's), `ID.spec` (until the
 * shim has read it; an environment is in it), `environment/ID` (what the shell had at its last prompt), `agent/ID.sock`.
 * `kernel/ID/` is the folder of a kernel's bridge: its connection file, with its key, is in it.
 *
 *   R1  When a session is over its environment and its agent's path go at once; nothing that holds secrets outlives its use.
 *   R2  A socket is removed only when nobody listens there. A shim that listens for a session that is over or was removed is
 *       ended: its session can't be adopted, and without a host its program would block for ever.
 *   R3  One that listens for a session that the journal doesn't know, or can't read, is left alone and told: its program may
 *       be well, and that the record of it is lost is no reason to end it (host A3).
 */
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ShimHandlers, ShimLink } from "@holdfast/shim";

/** How long the processes of a shim whose session is over have to end by themselves. */
const ORPHAN_GRACE_MS = 2_000;
/** Not sessions'. */
const OWN_SOCKETS = new Set(["host.sock", "keeper.sock"]);

export interface RunFolderOptions {
  readonly folder: string;
  connectShim(path: string, handlers: ShimHandlers): ShimLink;
  log(text: string): void;
  /** What an admin should know. */
  notice(text: string): void;
}

export class RunFolder {
  readonly #o: RunFolderOptions;

  constructor(options: RunFolderOptions) {
    this.#o = options;
    for (const name of ["agent", "environment", "kernel"])
      mkdirSync(join(options.folder, name), { recursive: true, mode: 0o700 });
  }

  socketPath(id: string): string {
    return join(this.#o.folder, `${id}.sock`);
  }

  specPath(id: string): string {
    return join(this.#o.folder, `${id}.spec`);
  }

  environmentPath(id: string): string {
    return join(this.#o.folder, "environment", id);
  }

  kernelFolder(id: string): string {
    return join(this.#o.folder, "kernel", id);
  }

  /** Where the spec of a kernel session is kept: its bridge may have to be started once more. */
  keptSpecPath(id: string): string {
    return join(this.kernelFolder(id), "spec");
  }

  /** In the kernel's folder: what lies in `run` itself goes when a host begins, and this is read while it does. */
  specAgain(id: string): string | null {
    const path = join(this.kernelFolder(id), "spec-again");
    try {
      copyFileSync(this.keptSpecPath(id), path);
      return path;
    } catch (fault) {
      this.#o.log(`session ${id}: its bridge can't be started again: ${String(fault)}`);
      return null;
    }
  }

  agentPath(id: string): string {
    return join(this.#o.folder, "agent", `${id}.sock`);
  }

  /** Whole or not at all: whoever connects meanwhile reaches the one before or this one. */
  pointAgent(id: string, target: string): void {
    const path = this.agentPath(id);
    rmSync(`${path}.new`, { force: true });
    symlinkSync(target, `${path}.new`);
    renameSync(`${path}.new`, path);
  }

  forgetAgent(id: string): void {
    rmSync(this.agentPath(id), { force: true });
  }

  /** R1. `isShimGone`: it was lost, or never came; else the shim removes its own socket. */
  forget(id: string, isShimGone: boolean): void {
    rmSync(this.specPath(id), { force: true });
    rmSync(this.environmentPath(id), { force: true });
    rmSync(this.kernelFolder(id), { recursive: true, force: true });
    this.forgetAgent(id);
    if (isShimGone) this.#reap(this.socketPath(id));
  }

  /** What hosts that died left. Called once, before anything is opened. */
  sweep(sessions: { isLive(id: string): boolean; mayHaveShim(id: string): boolean; isOver(id: string): boolean }): void {
    const { folder } = this.#o;
    for (const name of readdirSync(join(folder, "environment")))
      if (!sessions.isLive(name)) rmSync(join(folder, "environment", name), { force: true });
    for (const name of readdirSync(join(folder, "kernel")))
      if (!sessions.isLive(name)) rmSync(join(folder, "kernel", name), { recursive: true, force: true });
    for (const name of readdirSync(join(folder, "agent")))
      if (!sessions.isLive(name.split(".")[0]!)) rmSync(join(folder, "agent", name), { force: true });
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".spec")) rmSync(join(folder, name), { force: true });
      else if (name.endsWith(".sock") && !OWN_SOCKETS.has(name)) {
        const id = name.slice(0, -".sock".length);
        if (sessions.mayHaveShim(id)) continue;
        if (sessions.isOver(id)) this.#reap(join(folder, name));
        else this.#leaveAlone(id, join(folder, name));
      }
    }
  }

  /** R3. */
  #leaveAlone(id: string, path: string): void {
    const link = this.#o.connectShim(path, {
      welcome: (w) => {
        link.close();
        this.#o.notice(
          `a program runs as session ${id} (pid ${w.pid}, its shim ${w.shimPid}), and the journal has no such session, or can't read it: it is left alone, can't be attached to, and waits when it has printed more than its shim holds; if nobody needs it, kill both`,
        );
      },
      output: () => {},
      result: () => {},
      exited: () => {},
      closed: () => {},
      probe: () => {},
      end: (_reason, detail) => this.#removeDead(path, detail),
    });
  }

  /** R2. */
  #removeDead(path: string, detail: string): void {
    if (/ECONNREFUSED/.test(detail)) rmSync(path, { force: true });
  }

  /** R2. */
  #reap(path: string): void {
    const ends = new Map<0 | 1 | 2, bigint>();
    const letGo = (): void => {
      link.ack({ streams: [...ends].map(([stream, offset]) => ({ stream, offset })), exit: true });
      link.release();
    };
    const link = this.#o.connectShim(path, {
      welcome: (w) => {
        this.#o.log(`a shim listens at ${path} for a session that is over (pid ${w.pid}): it is ended`);
        if (w.phase === "failed") letGo();
        else link.endTree(ORPHAN_GRACE_MS);
      },
      output: (stream, offset, _at, bytes) => {
        ends.set(stream, offset + BigInt(bytes.length));
        link.ack({ streams: [{ stream, offset: offset + BigInt(bytes.length) }] });
      },
      result: () => {},
      exited: letGo,
      closed: letGo,
      probe: () => {},
      end: (_reason, detail) => this.#removeDead(path, detail),
    });
  }
}
