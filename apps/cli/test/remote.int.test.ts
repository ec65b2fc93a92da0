/** `hold attach user@box:NAME`: the built `hold` at a real terminal, through a real ssh and sshd, to the host of another home. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../test/integration/world/port.ts";
import { World } from "./terminal.ts";

/** The person's machine, and the one that sessions live on. */
let here: World;
let far: World;
let sshd: ChildProcess;
let port: number;

const keygen = (path: string): void => {
  const made = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr ?? made.error?.message}; npm run setup installs openssh`);
};

async function listens(): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const answered = await new Promise<boolean>((told) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => told(true)).once("error", () => told(false));
      socket.once("close", () => {});
      setImmediate(() => socket.end());
    });
    if (answered) return;
    await delay(20);
  }
  throw new Error("sshd does not listen");
}

beforeAll(async () => {
  here = new World();
  far = new World();
  port = await freePort();
  const place = (name: string): string => join(far.folder, name);
  keygen(place("host"));
  keygen(place("user"));
  const farEnv = ["HOME", "HOLDFAST_HOME", "XDG_CONFIG_HOME", "PATH", "LANG"].map(
    (k) => `${k}="${String(far.env[k as "PATH"])}"`,
  );
  writeFileSync(
    place("sshd_config"),
    `ListenAddress 127.0.0.1\nPort ${port}\nHostKey ${place("host")}\nAuthorizedKeysFile ${place("user.pub")}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\nMaxStartups 100\nSetEnv ${farEnv.join(" ")}\n`,
  );
  writeFileSync(
    join(here.folder, "ssh"),
    `#!/bin/sh\nexec ssh -F none -i ${place("user")} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes "$@"\n`,
  );
  chmodSync(join(here.folder, "ssh"), 0o755);
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  sshd = spawn("/usr/sbin/sshd", ["-D", "-f", place("sshd_config")], { stdio: "ignore" });
  await listens();
  expect(here.hold("config", "set", "remote.ssh", join(here.folder, "ssh")).err).toBe("");
  far.hold("host", "up");
});
afterAll(() => {
  sshd?.kill();
  far?.end();
  here?.end();
});

const at = (name: string): string => `ssh://127.0.0.1:${port}/${name}`;
const log = (name: string, kind: string): { actor: string; via: string; text: string }[] =>
  far
    .hold("log", name, "--kind", kind, "--json")
    .out.split("\n")
    .filter(Boolean)
    .map((l) => JSON.parse(l) as { actor: string; via: string; text: string });

test("a session of another machine is attached to as one of this machine is, and needs no host here", async () => {
  far.hold("new", "work", "-d", "--", "bash", "--norc");
  far.hold("send", "work", "echo far''away", "--enter");
  const t = await here.terminal("one");
  t.type(`hold attach ${at("work")}`, "Enter");
  await t.until("faraway");
  t.type("stty size; echo $HOLDFAST_SESSION | wc -c", "Enter");
  await t.until("24 80");
  t.type("C-q", "d");
  const after = await t.until("[detached from");
  expect(after.replaceAll("\n", "")).toContain(`come back with: hold attach ${at("work")}`);
  expect(log("work", "attached")[0]).toMatchObject({ via: "cli" });
  expect(here.hold("host", "status", "--json").code).not.toBe(0);
});

test("the ssh under an attachment is killed: it comes back by itself, and what is typed arrives once", async () => {
  far.hold("new", "tough", "-d", "--", "bash", "--norc");
  const t = await here.terminal("two");
  t.type(`hold attach ${at("tough")}`, "Enter");
  await t.until("tough ·");
  const pids = spawnSync("pgrep", ["-f", `^ssh .*-p ${port} `], { encoding: "utf8" })
    .stdout.split("\n")
    .filter(Boolean);
  expect(pids).toHaveLength(1);
  for (const pid of pids) process.kill(Number(pid), "SIGKILL");
  await t.until("the link is back");
  t.type("echo once", "Enter");
  await t.until(/^once$/m);
  expect(
    log("tough", "input")
      .map((e) => e.text)
      .join(""),
  ).toBe("echo once\r");
  t.type("C-q", "d");
  await t.until("detached");
});

test("what can't be reached is told with what ssh said and what to do", () => {
  const stream = (target: string) => here.hold("attach", target);
  expect(stream(at("nowhere"))).toMatchObject({ code: 3, err: expect.stringContaining("nowhere") });
  expect(stream("ssh://127.0.0.1:1/work")).toMatchObject({ code: 5, err: expect.stringMatching(/refused/) });
  here.hold("config", "set", "remote.hold", "/no/such/hold");
  const lost = stream(at("work"));
  expect(lost.code).toBe(5);
  expect(lost.err).toContain("hold config set remote.hold");
  here.hold("config", "set", "remote.hold", "hold");
});

test("anything that can start a program can attach: frames on standard input and output", async () => {
  const bridge = spawn("hold", ["attach", "--carrier", "stdio"], { env: far.env, stdio: ["pipe", "pipe", "pipe"] });
  let err = "";
  bridge.stderr.on("data", (text: Buffer) => {
    err += text.toString();
  });
  const ended = new Promise((told) => bridge.once("close", told));
  bridge.stdin.write(Buffer.from([0, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3, 4]));
  const said: Buffer[] = [];
  for await (const bytes of bridge.stdout) said.push(bytes as Buffer);
  expect(Buffer.concat(said).toString("latin1")).toContain("bad_request");
  bridge.stdin.end();
  expect(await ended).toBe(0);
  expect(err).toBe("");
  expect(far.hold("attach", "--carrier", "stdio", "work").code).toBe(2);
});
