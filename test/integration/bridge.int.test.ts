/** A link through a program: `hold attach --carrier stdio` between the SDK and the host (sdk/node/bridge.ts). */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connectThrough } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { refusal, type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

/** Runs it as at the far end of ssh: in a folder and with an environment of that machine. */
const through = (w: World, ...more: string[]) =>
  connectThrough({
    argv: [
      "env",
      "-C",
      w.files,
      `HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}`,
      "FAR=away",
      hold,
      "attach",
      "--carrier",
      "stdio",
      ...more,
    ],
  });

/** Bridges that run in this world. */
function bridges(w: World): number {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const is = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--carrier\0stdio");
      return is && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}\0`);
    } catch {
      return false;
    }
  }).length;
}

test("who comes through it has no key of their own, and opens sessions as they would be opened over there", async () => {
  const w = await world();
  const admin = await w.connect();
  const far = await through(w);
  expect(far.operator.operator!.id).toBe(admin.operator.operator!.id);
  const { session } = await far.open({ command: ["bash", "-c", "echo $FAR in $PWD; exec sleep 1000"] });
  const seen: string[] = [];
  await far.attach(
    { session: session.id, mode: "replay", after: 0 },
    { output: (o) => void seen.push(Buffer.from(o.bytes).toString()) },
  );
  await fact("it has printed", () => seen.join("").includes(`away in ${w.files}`));
  far.close();
  await fact("the bridge has ended", () => bridges(w) === 0);
});

test("a host that dies ends the bridge; another one leads to the next host, and what was typed arrives once", async () => {
  const w = await world();
  const far = await through(w);
  const { session } = await far.open({ command: ["cat"] });
  const seen: string[] = [];
  const attachment = await far.attach(
    { session: session.id },
    { output: (o) => void seen.push(Buffer.from(o.bytes).toString()) },
  );
  await w.killHost();
  await attachment.input(Buffer.from("once\r"));
  await fact("its echo came", () => seen.join("").includes("once"));
  expect(seen.join("").match(/once/g)).toHaveLength(2);
  await attachment.detach();
  far.close();
  await fact("no bridge is left", () => bridges(w) === 0);
});

test("what the far end refuses is told as it was, and no program is left", async () => {
  const w = await world();
  await w.connect();
  expect(await refusal(through(w, "--as", "nobody"))).toBe("unknown_credential");
  expect(await refusal(connectThrough({ argv: ["sh", "-c", "echo no way >&2; exit 7"] }))).toBe("unreachable");
  expect(await refusal(connectThrough({ argv: ["/no/such/program"] }))).toBe("unreachable");
  await fact("no bridge is left", () => bridges(w) === 0);
});

test("with a file on its input, or nothing, it says what frames of those bytes are answered with, and ends", async () => {
  const w = await world();
  const run = (stdin: string): SpawnSyncReturns<Buffer> => {
    const fd = openSync(stdin, "r");
    const done = spawnSync(hold, ["attach", "--carrier", "stdio"], { env: w.env, stdio: [fd, "pipe", "pipe"], timeout: 30_000 });
    closeSync(fd);
    return done;
  };
  const nothing = run("/dev/null");
  expect([nothing.stderr.toString(), nothing.status]).toEqual(["", 0]);
  writeFileSync(w.path("noise"), "no frames at all, and more of it than a header");
  const noise = run(w.path("noise"));
  expect(noise.stderr.toString()).not.toContain("[internal]");
  expect(noise.status).not.toBeNull();
});
