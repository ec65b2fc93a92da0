/** A real host on a port of this machine, through the SDK, the command line, and by hand. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectWebSocket } from "@holdfast/carrier/websocket/node";
import { limits, SessionState } from "@holdfast/protocol";
import type { NetworkOptions } from "@holdfast/sdk";
import { files, generateKey, hostIdOf } from "@holdfast/sdk/node";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { expect, onTestFinished, test } from "vitest";
import { fact } from "./world/processes.ts";
import { answering, reach, steersThroughCuts } from "./world/steered.ts";
import { wire } from "./world/wire.ts";
import { type World, world } from "./world/world.ts";

async function raw(url: string, request: string): Promise<string> {
  const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request.replaceAll("\n", "\r\n"));
  let said = "";
  for await (const chunk of socket) said += String(chunk);
  return said;
}

test("one operator by socket and by WebSocket steers one session; a cut wire and a killed host lose nothing and double nothing", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  // The name in Host is the proxy's own: that port must be allowed.
  const first = await wire(w, url);
  const port = new URL(first.url).host;
  const listening = await w.listen({ listen: new URL(url).host, allowHosts: [port] });
  expect(listening).toBe(url);
  const client = await reach(w, first.url);
  const local = await w.connect();
  expect((await client.whoami()).operator?.id).toBe((await local.whoami()).operator?.id);
  const session = await answering(w, local);
  expect((await client.list()).map((s) => s.name)).toEqual(["far"]);
  await steersThroughCuts(w, client, () => first.cut());
  expect((await (await w.connect()).show(session.id)).pid).toBe(session.pid);
});

test("a session that is opened from afar inherits nothing of there", async () => {
  const w = await world({ starts: false });
  const client = await reach(w, await w.listen());
  const { session } = await client.open({
    name: "there",
    command: ["sh", "-c", 'echo "[$HOME|$HOLDFAST_WORLD|$PWD]"; sleep 1000'],
  });
  const { text } = await fact("it has printed", async () => {
    const screen = await client.screen(session.id);
    return screen.lines.join("\n").includes("]") ? { text: screen.lines.join("") } : null;
  });
  const { HOME } = w.env;
  expect(text.trim()).toBe(`[${HOME}||${HOME}]`);
});

test("who may not come in does not: names, origins, paths, smuggled requests, texts", async () => {
  const w = await world({ starts: false });
  const url = await w.listen({ allowOrigins: ["https://console.example"] });
  const { host } = new URL(url);
  const upgrade = (more: string, name = host): string =>
    `GET /v1/link HTTP/1.1\nHost: ${name}\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n${more}\n`;
  const good = "Sec-WebSocket-Protocol: holdfast.v1\n";
  const status = async (request: string): Promise<string | undefined> => /^HTTP\/1\.1 (\d+)/.exec(await raw(url, request))?.[1];
  expect(await status(upgrade(good, "rebound.example"))).toBe("403");
  expect(await status(upgrade(`${good}Origin: http://evil.example\n`))).toBe("403");
  expect(await status(upgrade(`${good}Origin: null\n`))).toBe("403");
  expect(await status(upgrade(""))).toBe("400");
  expect(await status(upgrade(good).replace("/v1/link", "/v1/link?token=secret"))).toBe("400");
  expect(await status(`GET / HTTP/1.1\nHost: ${host}\n\n`)).toBe("404");
  expect(await status(`POST /v1/link HTTP/1.1\nHost: ${host}\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n`)).toBe(
    "400",
  );
  // And the one that may: it is upgraded, says nothing and is ended.
  expect(await status(upgrade(`${good}Origin: https://console.example\n`))).toBe("101");
  expect((await (await reach(w, url)).whoami()).via).toBe("sdk");
});

test("a hello that is too long, and one after the other, end the link within the budget", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const over = (bytes: number, times: number): Promise<string> =>
    new Promise((resolve) => {
      void connectWebSocket(url, () => ({ frame: () => {}, closed: resolve })).then((link) => {
        for (let i = 0; i < times; i++) link.send(0, new Uint8Array(bytes));
      });
    });
  expect(await over(limits.preAuthBytes + 1, 1)).not.toBe("");
  expect(await over(1_000, 70)).not.toBe("");
  expect((await (await reach(w, url)).whoami()).via).toBe("sdk");
});

test("while five hundred strangers knock and say nothing, who is known comes in at once", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const { port } = new URL(url);
  const silent = Array.from({ length: 500 }, () => connectTcp(Number(port), "127.0.0.1").on("error", () => {}));
  w.atEnd(() => silent.forEach((socket) => void socket.destroy()));
  await Promise.all(silent.map((socket) => new Promise((done) => socket.once("connect", done).once("close", done))));
  // As many as have a place, and not one of them says a word.
  await fact("every place is taken", () => silent.filter((socket) => !socket.closed).length <= 64);
  expect((await (await reach(w, url)).whoami()).via).toBe("sdk");
  expect(silent.filter((socket) => !socket.closed).length).toBeGreaterThan(0);
});

test("a stranger's key is refused, and who is revoked is out at once, attached or not", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  generateKey(w.home, "stranger");
  await expect(reach(w, url, { as: "stranger" })).rejects.toMatchObject({ code: "unknown_credential" });
  await w.operator("ana");
  const ana = await reach(w, url, { as: "ana" });
  const admin = await w.connect();
  const session = await w.open(admin, { script: "cat" });
  const gone = new Promise<string>((resolve) => {
    void ana.attach({ session: session.id }, { detached: resolve });
  });
  await fact("ana is there", async () => (await admin.show(session.id)).operators.some((o) => o.operator === "ana"));
  await admin.operatorRevoke("ana");
  expect(await gone).toBe("revoked");
  await expect(reach(w, url, { as: "ana" })).rejects.toMatchObject({ code: "revoked" });
  expect((await admin.show(session.id)).state).toBe(SessionState.RUNNING);
});

test("a host that is not known is named, trusted once, and then nobody stands in for it", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  // A home of another machine: our keys, and no host of its own.
  const place = mkdtempSync(join(tmpdir(), "hold-far-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const { publicKey } = generateKey(place, "laptop");
  const admin = await w.connect();
  await admin.operatorAdd({ name: "laptop", kind: 1, role: "operator", publicKey });
  const far = (options: Partial<NetworkOptions> = {}) => reach(w, url, { home: place, as: "laptop", ...options });
  const id = hostIdOf(readFileSync(files.hostPublicKey(w.home)));
  await expect(far()).rejects.toMatchObject({ code: "host_key_unknown", details: { id } });
  await expect(far()).rejects.toThrow(new RegExp(`hold host trust ws://[0-9.:]+ --id ${id}`));
  await expect(far({ trust: "0".repeat(32) })).rejects.toMatchObject({ code: "host_key_unknown" });
  expect((await (await far({ trust: id })).whoami()).operator?.name).toBe("laptop");
  await far();
  const known = readFileSync(files.knownHosts(place), "utf8");
  expect(known.trim().split("\n")).toHaveLength(1);
  writeFileSync(files.knownHosts(place), `${known.split(" ")[0]} ${Buffer.alloc(32, 7).toString("base64")}\n`);
  await expect(far({ trust: "first" })).rejects.toMatchObject({ code: "host_key_changed" });
});

test("over TLS with a certificate of one's own", async () => {
  const w = await world();
  const made = selfMadeCertificate();
  const tls = { tlsCert: w.path("cert.pem"), tlsKey: w.path("key.pem") };
  writeFileSync(tls.tlsCert, made.cert);
  writeFileSync(tls.tlsKey, made.key);
  const url = await w.listen(tls);
  expect(url).toMatch(/^wss:/);
  expect((await (await reach(w, url, { ca: made.cert })).whoami()).via).toBe("sdk");
  await expect(reach(w, url)).rejects.toMatchObject({ code: "unreachable" });
  const { out, code } = hold(w, ["--host", url, "ls", "--json"], { NODE_EXTRA_CA_CERTS: tls.tlsCert });
  expect([out, code]).toEqual(["", 0]);
});

function hold(w: World, args: readonly string[], env: Record<string, string> = {}) {
  const done = spawnSync(join(import.meta.dirname, "..", "..", "bin", "hold"), args, {
    env: { ...w.env, ...env },
    cwd: w.files,
    encoding: "utf8",
  });
  return { out: done.stdout, err: done.stderr, code: done.status };
}

test("the command line reaches another host with --host, and refuses there what is about this machine", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  await w.open(await w.connect(), { name: "far", script: "cat" });
  const env = { HOLDFAST_HOST: url };
  expect(JSON.parse(hold(w, ["ls", "--json"], env).out)).toMatchObject({ name: "far" });
  expect(JSON.parse(hold(w, ["--host", url, "show", "far", "--json"]).out)).toMatchObject({ state: "running" });
  expect(JSON.parse(hold(w, ["host", "status", "--json", `--host=${url}`]).out)).toMatchObject({ addresses: { websocket: url } });
  expect(hold(w, ["host", "trust", url, "--yes"]).code).toBe(0);
  for (const line of [
    ["host", "down"],
    ["host", "up"],
    ["host", "logs"],
  ]) {
    const { err, code } = hold(w, line, env);
    expect([code, err]).toEqual([2, expect.stringContaining("HOLDFAST_HOST")]);
  }
  expect(hold(w, ["--host", "ws://box.example:1", "ls"])).toMatchObject({ code: 2, err: expect.stringContaining("plaintext") });
  expect(hold(w, ["host", "up", "--listen", "0.0.0.0:7433"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("--tls-cert"),
  });
});
