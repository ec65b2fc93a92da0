/**
 * `npm run bench:relay`: one relay process with ten thousand attached operators over a thousand hosts: what it holds and in how much memory, what its time
 * goes into, how many bytes pass, and what a key waits for it; beside `ssh -J` through a jump host, in the same run, round by round.
 * docs/benchmarks.md says how to read it, docs/scale.md what follows from it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { withTables } from "../marks.ts";
import type { Measured } from "../scale/inputs.ts";
import { Box, certificateIn, holdPath } from "./box.ts";
import { type Found, tableOf } from "./figures.ts";
import { children, ends, folder, load, of, RelayProcess, root, say, values, wants } from "./run.ts";
import { crossings, crowd, echo, lsTimes, pour, waysOf } from "./stages.ts";
import { startSshds } from "./ssh.ts";

const output = (command: string, ...args: readonly string[]): string => {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: root });
  return ((stdout ?? "") || (stderr ?? "")).trim();
};

async function measured(): Promise<Found> {
  const before = load();
  mkdirSync(join(folder, "home"), { mode: 0o700 });
  const { cert, key } = selfMadeCertificate();
  writeFileSync(certificateIn(folder).cert, cert);
  writeFileSync(certificateIn(folder).key, key, { mode: 0o600 });
  const relay = new RelayProcess();
  await relay.start();
  await delay(1_000);
  const baseKib = relay.pssKib;
  const [boxToken = "", pourToken = ""] = await relay.tokens(2);
  const box = new Box(join(folder, "home"), certificateIn(folder));
  const sshds = wants("echo") || wants("ls") ? await startSshds(folder) : null;
  const typing = ends("typing");
  try {
    if (wants("echo") || wants("ls")) await box.start(relay.url, Buffer.from(boxToken, "hex").toString("base64url"));
    const idle = wants("echo") ? await echo(typing, await waysOf(box, sshds, typing), of("rounds")) : {};
    say("keys typed");
    const ls = lsTimes(box, sshds, wants("ls") ? of("rounds") : 0);
    say("lists asked for");
    const bytes = await pour([{ from: relay.url, to: relay.url, token: pourToken }], [relay], wants("pour") ? of("rounds") : 0);
    say(`poured: ${bytes.mbPerCpuSecond.toFixed(0)} MB for a second of the relay's time`);
    const { crowded, ...figures } = await crowd(relay, typing);
    const crossing = values.nats ? await crossings() : null;
    return {
      at: `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${output("git", "rev-parse", "--short", "HEAD")}`,
      machine: `${cpus().length} × ${cpus()[0]!.model.trim()}, Linux ${release()}`,
      versions: `Node ${process.versions.node}, ${output("ssh", "-V").split(",")[0]}, hold ${output(holdPath, "--version").split("\n")[0]}`,
      load: { before, after: load() },
      relay: { baseKib, ...bytes, ...figures, crossing },
      echo: { idle, crowded },
      ls,
    };
  } finally {
    await typing.finish();
    box.end();
    await sshds?.end();
  }
}

async function record(found: Found): Promise<void> {
  const [inputs, page] = [join(root, "bench", "scale", "measured.json"), join(root, "docs", "benchmarks.md")];
  const { at, machine, versions, load: loads, relay } = found;
  const known = JSON.parse(readFileSync(inputs, "utf8")) as Measured;
  writeFileSync(inputs, `${JSON.stringify({ ...known, at, machine, versions, load: loads, relay }, null, 2)}\n`);
  writeFileSync(page, withTables(readFileSync(page, "utf8"), { relay: tableOf(found) }));
  const scale = spawnSync(process.execPath, [join(root, "bench", "scale", "main.ts"), "--nats"], { stdio: ["ignore", 2, 2] });
  if (scale.status !== 0) throw new Error("the model could not be fed: see above");
}

async function end(): Promise<void> {
  for (const child of children) await child.end().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end().then(() => process.exit(1)));

try {
  const found = await measured();
  const out = join(root, values.out);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(found, null, 2)}\n`);
  if (values.record) await record(found);
  console.log(tableOf(found));
} finally {
  await end();
}
