/** A page in Debian's Chromium that reaches a host through a relay, which could read it: by an admin's word alone, and marked. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperatorKind } from "@holdfast/protocol";
import { files } from "@holdfast/sdk/node";
import { expect, onTestFinished, test } from "vitest";
import { bundled, dialledIn, keyIn, page, PageAttachment } from "./world/browser.ts";
import { freePort } from "./world/port.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly url: string;
  readonly web: string;
  readonly join: string | null;
  readonly log: () => string;
}

async function relay(w: World, args: readonly string[]): Promise<Run> {
  const child = spawn(hold, ["relay", "--folder", join(w.place, "relay"), "--json", ...args], { env: w.env });
  let log = "";
  child.stderr.on("data", (bytes: Buffer) => (log += bytes.toString()));
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { ...(JSON.parse(line.toString()) as Pick<Run, "url" | "web" | "join">), child, log: () => log };
}

test("a page reaches a session through a relay where an admin allows it, is marked as not end to end, and comes back when the relay was stopped", async () => {
  const w = await world();
  const shown = await page(await bundled());
  const ports = [await freePort(), await freePort()];
  const args = ["--listen", `127.0.0.1:${ports[0]}`, "--web", `127.0.0.1:${ports[1]}`, "--allow-origin", shown.origin];
  const first = await relay(w, args);
  const token = Buffer.from(/--token (\S+)/.exec(first.join!)![1]!, "base64url");
  const admin = await w.connect();
  const session = await w.open(admin, { name: "seen", command: ["bash", "--norc"] });
  await admin.joinRelay({ url: first.url, token, name: "box" });

  await admin.operatorAdd({ name: "ana", kind: OperatorKind.HUMAN, role: "admin", publicKey: await keyIn(shown.page) });
  const connected = (hostKey: Uint8Array) =>
    shown.page.evaluate(`(async () => {
      globalThis.client = await holdfast.connect(${dialledIn({ relay: first.web, host: "box" }, hostKey)});
      return (await client.list()).map((s) => s.name);
    })().catch((e) => e.code)`);
  const hostKey = readFileSync(files.hostPublicKey(w.home));

  expect(await connected(hostKey)).toBe("not_permitted");
  await admin.joinRelay({ url: first.url, name: "box", allowPlain: true });
  expect((await admin.status()).uplinks).toMatchObject([{ state: "connected", allowPlain: true }]);
  expect(await connected(new Uint8Array(32).fill(7))).toBe("host_key_changed");
  await fact("the page is let in", async () => JSON.stringify(await connected(hostKey)) === '["seen"]');

  const attachment = await PageAttachment.at(shown.page, "seen");
  expect(await attachment.types("echo from-a-''page")).toBe(1);
  await attachment.sees("from-a-page");
  // More than fits into one piece, both ways.
  expect(await attachment.types(`echo ${"x".repeat(3_000)}; seq 20000; echo the-''end`)).toBe(1);
  await attachment.sees("the-end");

  const told = (...words: string[]): string => spawnSync(hold, words, { env: w.env, encoding: "utf8" }).stdout;
  expect((await admin.show(session.id)).operators).toMatchObject([{ operator: "ana", via: "web", plain: true }]);
  expect(JSON.parse(told("show", "seen", "--json"))).toMatchObject({ operators: [{ name: "ana", e2e: false }] });
  const attached = told("log", "seen", "--json", "--kind", "attached")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { actor: string; e2e: boolean });
  expect(attached).toMatchObject([{ actor: "ana", e2e: false }]);
  expect(told("log", "seen", "--kind", "attached")).toContain("e2e=false");
  expect(told("audit", "show")).toMatch(/ana came_in_plain: web, through a relay .*e2e=false/);
  expect(told("host", "status")).toContain("pages let in (not end to end)");

  // Who could forge the link could not make itself an operator by it, nor give one of them another key.
  const forged = await shown.page.evaluate(`(async () => {
    const publicKey = await holdfast.publicKeyOf(await holdfast.generateKeyPair());
    const code = (asked) => asked.then(() => "done", (e) => e.code);
    return [
      await code(client.operatorAdd({ name: "eve", kind: 1, role: "admin", publicKey })),
      await code(client.keyAdd("ana", publicKey)),
      await code(client.joinRelay({ url: "http://127.0.0.1:1" })),
    ];
  })()`);
  expect(forged).toEqual(["not_permitted", "not_permitted", "not_permitted"]);

  // A native client comes by the same door, with TLS inside.
  const hostId = (await admin.status()).hostId;
  for (const place of [
    ["--relay", first.web, "--host", "box"],
    ["--relay", first.web],
    ["--host", `relay+${first.web}/${hostId}`],
  ])
    expect(JSON.parse(told(...place, "ls", "--json"))).toMatchObject({ name: "seen" });
  expect(JSON.parse(told("--relay", first.web, "hosts", "--json"))).toMatchObject({ name: "box", id: hostId });

  // Told to stop it sends everybody away, and is gone; the page and the host come back to the next one.
  const beganMs = performance.now();
  first.child.kill("SIGTERM");
  const [code] = (await once(first.child, "exit")) as [number];
  expect(performance.now() - beganMs).toBeLessThan(7_000);
  expect(first.log()).toContain('"event":"draining"');
  expect([code, first.log().includes(Buffer.from(token).toString("base64url"))]).toEqual([0, false]);
  const answer = attachment.types("echo again-''here");
  await relay(w, args);
  expect(await answer).toBe(1);
  await attachment.sees("again-here");
  expect(await attachment.links()).toContain("attachedtrue");

  // What was allowed is taken back at once.
  await admin.joinRelay({ url: first.url, name: "box" });
  await fact("the page is out", async () => (await admin.show(session.id)).operators.length === 0);
  expect(await connected(hostKey)).toBe("not_permitted");
});

test("a page of an origin that the relay was not told of gets no word from it", async () => {
  const w = await world();
  const shown = await page("");
  const { web } = await relay(w, ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"]);
  const http = web.replace("ws:", "http:");
  const tries = await shown.page.evaluate(`Promise.all([
    new Promise((done) => { const s = new WebSocket("${web}/v1/reach", "holdfast.relay.v1"); s.onopen = () => done("open"); s.onclose = (e) => done("closed " + e.code); }),
    fetch("${http}/metrics").then(() => "read", () => "refused"),
    fetch("${http}/readyz", { mode: "no-cors" }).then((r) => r.type + r.status),
  ])`);
  expect(tries).toEqual(["closed 1006", "refused", "opaque0"]);
});
