/** Who comes to a relay from other machines: a newcomer, by what the README says; and one who takes all that it can get, beside others. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { far, FarOperator } from "./world/far.ts";
import { type Machine as Home, machine as homeOf, holdPath } from "./world/hold.ts";
import { hasNetwork, type Machine, Network } from "./world/network.ts";
import { fact, kill } from "./world/processes.ts";
import { bytes, record, say, type World, world } from "./world/world.ts";

const bin = dirname(holdPath);
const root = new URL("../..", import.meta.url).pathname;

/** The README's block, by the machine that each line is typed on. */
function commands(): readonly { readonly on: string; readonly line: string }[] {
  const [, block = ""] = /<!-- newcomer -->\n```text\n([\s\S]*?)```/.exec(readFileSync(`${root}README.md`, "utf8")) ?? [];
  return [...block.matchAll(/^(\w+)\$ (.*)$/gm)].map(([, on = "", line = ""]) => ({ on, line }));
}

/** As a line of the README is read: what stands before each `…` is so, what comes after it was printed. */
const isOf = (said: string, written: string): boolean => {
  const parts = written.split("…").map((part) => part.replace(/[a-zA-Z0-9_-]{4,}$/, ""));
  let at = 0;
  return parts.every((part) => {
    const found = said.indexOf(part, at);
    at = found + part.length;
    return found >= 0;
  });
};

/** A command on a machine where `relay.example` is the relay's name, in a home of its own. */
const typed = (on: Machine, hosts: string, command: readonly string[]): readonly [string, ...string[]] => [
  ...on.enter,
  ...["unshare", "--mount", "sh", "-c", `mount --bind ${hosts} /etc/hosts && exec "$@"`, "sh", ...command],
];

function started(w: World, on: Machine, hosts: string, home: Home, line: string): ChildProcess {
  const [first, ...rest] = typed(on, hosts, ["bash", "-c", line]);
  const child = spawn(first, rest, {
    cwd: w.files,
    env: { ...home.env, PATH: `${bin}:${home.env["PATH"]}`, SHELL: "/bin/bash" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  w.atEnd(() => kill(child.pid!));
  return child;
}

/** The first line of its output that is of this kind. */
async function printed(child: ChildProcess, like: RegExp): Promise<string> {
  let faults = "";
  child.stderr!.on("data", (text) => void (faults += text));
  let all = "";
  child.stdout!.on("data", (text) => void (all += text));
  return fact(`it prints ${like}`, () => {
    const [found] = like.exec(all) ?? [];
    if (found === undefined) throw new Error(`${all}${faults} (exit ${child.exitCode})`);
    return found;
  });
}

describe.runIf(hasNetwork())("across a network", () => {
  test("a newcomer's path: what the README says leads from nothing to a session on two screens, and the host opens no port", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "box", "laptop"]);
    const hosts = w.path("hosts");
    writeFileSync(hosts, `127.0.0.1 localhost\n${net.machine("relay").address} relay.example\n`);
    await net.shut("box");
    await net.shut("laptop");
    const home = (name: string): Home => homeOf(w, name);
    const [joins, shares, guest] = commands();
    expect([joins?.on, shares?.on, guest?.on]).toEqual(["box", "box", "laptop"]);
    const readme = readFileSync(`${root}README.md`, "utf8");
    const [relayLine = ""] = /hold relay --listen [^`]*/.exec(readme) ?? [];
    // Terminals are sessions of this machine: what they show can be looked at.
    const local = await w.connect();
    const terminal = async (name: string, on: Machine, line: string): Promise<string> => {
      const { env } = home(name);
      const command = typed(on, hosts, ["bash", "-c", line]);
      const session = await w.open(local, {
        name,
        command,
        env: { ...env, PATH: `${bin}:${env["PATH"]}` },
        size: { cols: 300, rows: 40 },
      });
      return session.id;
    };
    const relay = await terminal("relay", net.machine("relay"), relayLine);
    const join = await fact("the relay says how a host joins", async () => {
      const { output } = await record(local, relay);
      return /hold host join \S+ --token \S+/.exec(output.toString())?.[0];
    });
    expect(isOf(join, joins!.line), `${join} is not ${joins!.line}`).toBe(true);
    const box = home("box");
    const from = performance.now();
    await printed(started(w, net.machine("box"), hosts, box, join), /^relay:\/\/.*/m);
    const invite = await printed(started(w, net.machine("box"), hosts, box, shares!.line), /hold1\.\S+/);
    const line = `hold join ${invite}`;
    expect(isOf(line, guest!.line)).toBe(true);
    const screen = await terminal("laptop", net.machine("laptop"), line);
    const shows = (like: RegExp): Promise<boolean> =>
      fact(`the guest sees ${like}`, async () => {
        const seen = (await local.screen(screen)).lines.join("\n");
        if (!like.test(seen)) throw new Error(seen);
        return true;
      });
    const eyes = await local.attach({ session: screen }, {});
    await shows(/[$#] /);
    const took = performance.now() - from;
    await eyes.input(bytes("echo $((6 * 7)) typed by the guest\n"));
    await shows(/^42 typed by the guest/m);
    say(`from nothing to a shared session: ${(took / 1000).toFixed(1)} s for three commands`);
    expect(net.machine("box").run("ss", "-ltnH")).toBe("");
    expect((await net.counts()).shut).toBe(0);
  });

  test("one source that takes all the calls and connections that it can get is held to its share, and another source does not notice", async () => {
    const w = await world();
    const net = await Network.of(w, ["relay", "host", "op", "greedy"]);
    const { local, session, operator, url } = await far(w, net);
    const { address } = net.machine("relay");
    const greedy = (
      what: string,
      count: number,
    ): { open: number; ended: number; atOnce: number; told: string; readonly pid: number } => {
      const [first, ...rest] = net.machine("greedy").enter;
      const script = new URL("world/greedy-process.ts", import.meta.url).pathname;
      const child = spawn(first, [...rest, process.execPath, script, what, address, "7444", String(count)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      w.atEnd(() => kill(child.pid!));
      const seen = { open: 0, ended: 0, atOnce: 0, told: "", pid: child.pid! };
      createInterface({ input: child.stdout! }).on("line", (line) => void Object.assign(seen, JSON.parse(line)));
      return seen;
    };
    const calls = greedy("calls", 80);
    await fact("those above 64 are turned away", () => calls.ended === 16);
    expect(calls.told).toContain("too_many");
    // Another address is another matter, and so is one of this address that says who it is.
    operator.type("meanwhile");
    await operator.answered("meanwhile");
    const beside = new FarOperator(w, net.machine("op"), session.id, url);
    await beside.isThere();
    await fact("the others have their 5 s", () => calls.ended === 80);
    kill(calls.pid);
    const connections = greedy("connections", 2_148);
    await fact("those above 2,048 are ended", () => connections.ended >= 100);
    expect(connections.atOnce).toBeLessThanOrEqual(100);
    const third = new FarOperator(w, net.machine("op"), session.id, url);
    await third.isThere();
    operator.type("all the same");
    await operator.answered("all the same");
    writeFileSync(w.path("stop"), "");
    await operator.holds(local, session, [operator, beside, third]);
  });
});
