import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ShimHandlers, ShimLink } from "@holdfast/shim";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunFolder } from "./run-folder.ts";

let folder: string;
let dialled: { path: string; handlers: ShimHandlers; said: string[] }[];
let run: RunFolder;
let notices: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-run-"));
  dialled = [];
  notices = [];
  run = new RunFolder({
    folder,
    connectShim(path, handlers) {
      const said: string[] = [];
      dialled.push({ path, handlers, said });
      return {
        ack: () => void said.push("ack"),
        release: () => void said.push("release"),
        endTree: () => void said.push("endTree"),
        close: () => void said.push("close"),
      } as unknown as ShimLink;
    },
    log: () => {},
    notice: (text) => void notices.push(text),
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

const leave = (id: string): void => {
  for (const path of [run.specPath(id), run.environmentPath(id), run.socketPath(id)]) writeFileSync(path, "SECRET=1");
  run.pointAgent(id, "/tmp/agent.1");
};

test("the folders of environments and agents are the owner's alone", () => {
  for (const name of ["agent", "environment"]) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
});

test("an agent's path is pointed at another agent whole, and leaves nothing else behind", () => {
  run.pointAgent("s1", "/tmp/agent.1");
  run.pointAgent("s1", "/tmp/agent.2");
  expect(readlinkSync(run.agentPath("s1"))).toBe("/tmp/agent.2");
  expect(readdirSync(join(folder, "agent"))).toEqual(["s1.sock"]);
});

test("with a session go its environment, its spec and its agent; its socket is the shim's own to remove", () => {
  leave("s1");
  leave("s2");
  run.forget("s1", false);
  expect(existsSync(run.environmentPath("s1"))).toBe(false);
  expect(existsSync(run.specPath("s1"))).toBe(false);
  expect(lstatSync(run.agentPath("s1"), { throwIfNoEntry: false })).toBeUndefined();
  expect(existsSync(run.socketPath("s1"))).toBe(true);
  expect(existsSync(run.environmentPath("s2"))).toBe(true);
});

test("the socket of a shim that is gone goes only when nobody listens there", () => {
  leave("s1");
  run.forget("s1", true);
  dialled[0]!.handlers.end("gone", "connect ENOENT");
  expect(existsSync(run.socketPath("s1"))).toBe(true);
  dialled[0]!.handlers.end("gone", "connect ECONNREFUSED /run/s1.sock");
  expect(existsSync(run.socketPath("s1"))).toBe(false);
});

test("a shim that listens for a session that is over is ended, read to its end, and let go", () => {
  run.forget("s1", true);
  const { handlers, said } = dialled[0]!;
  handlers.welcome({ phase: "running", pid: 7 } as never);
  handlers.output(0, 10n, 0n, new Uint8Array(5));
  handlers.exited({} as never);
  handlers.closed(0, 15n);
  expect(said).toEqual(["endTree", "ack", "ack", "release", "ack", "release"]);
});

test("a start takes away what dead hosts left, and nothing of sessions that live", () => {
  for (const id of ["live", "over", "lost", "stranger"]) leave(id);
  run.sweep({
    isLive: (id) => id === "live",
    mayHaveShim: (id) => id === "live" || id === "over",
    isOver: (id) => id === "lost",
  });
  expect(readdirSync(join(folder, "environment"))).toEqual(["live"]);
  expect(readdirSync(join(folder, "agent"))).toEqual(["live.sock"]);
  expect(readdirSync(folder).filter((n) => n.endsWith(".spec"))).toEqual([]);
  expect(dialled.map((d) => d.path).sort()).toEqual([run.socketPath("lost"), run.socketPath("stranger")].sort());
});

test("a program whose session the journal does not know is left alone and told; that of one that is over or was removed is ended", () => {
  for (const id of ["lost", "stranger", "nobody"]) leave(id);
  run.sweep({ isLive: () => false, mayHaveShim: () => false, isOver: (id) => id === "lost" });
  const at = (id: string) => dialled.find((d) => d.path === run.socketPath(id))!;
  for (const id of ["lost", "stranger"]) at(id).handlers.welcome({ phase: "running", pid: 8, shimPid: 7 } as never);
  at("nobody").handlers.end("gone", "connect ECONNREFUSED /run/nobody.sock");
  expect(at("lost").said).toEqual(["endTree"]);
  expect(at("stranger").said).toEqual(["close"]);
  expect(notices).toEqual([expect.stringContaining("session stranger (pid 8, its shim 7)")]);
  expect([existsSync(run.socketPath("stranger")), existsSync(run.socketPath("nobody"))]).toEqual([true, false]);
});

test("a start leaves the host's and the keeper's own sockets alone", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(join(folder, "keeper.sock"), resolve));
  writeFileSync(join(folder, "host.sock"), "");
  run.sweep({ isLive: () => false, mayHaveShim: () => false, isOver: () => false });
  expect(dialled).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
});
