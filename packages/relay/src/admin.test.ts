import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { relayAddress, RelayClient } from "@holdfast/carrier/grpc";
import { containerFor } from "@holdfast/carrier/tls";
import { expect, onTestFinished, test } from "vitest";
import { askRelay, serveAdmin } from "./admin.ts";
import { adminSocket, runRelay } from "./run.ts";
import { Host, Key, Scene } from "./test/scene.ts";

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "hold-relay-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function scene(): Promise<{ readonly scene: Scene; readonly path: string }> {
  const made = await Scene.start();
  const path = adminSocket(place());
  const admin = await serveAdmin(made.relay, path, () => Date.now());
  onTestFinished(() => admin.close());
  return { scene: made, path };
}

test("who runs a relay makes tokens, and sees hosts and keys, and how many tunnels lead there", async () => {
  const { scene: s, path } = await scene();
  const { token, untilUnixMs } = await askRelay(path, "invite", { fleet: "lab", name: "box", ttlMs: 60_000n });
  expect(Number(untilUnixMs)).toBeGreaterThan(Date.now());
  const host = await s.dial(new Host(), { token });
  expect(await host.registered()).toMatchObject({ name: "box", fleet: "lab" });
  const ana = new Key();
  host.admit(ana);
  await s.tunnel(ana, host);
  const { hosts } = await askRelay(path, "hosts", {});
  expect(hosts).toMatchObject([
    { id: host.id, name: "box", fleet: "lab", online: true, tunnels: 1, admits: 1, revoked: false, version: "1.2.3" },
  ]);
  const eve = new Key();
  expect(await askRelay(path, "revoke", { what: eve.keyId })).toMatchObject({ kind: "key", tunnels: 0 });
  const { operators } = await askRelay(path, "operators", {});
  expect(operators.map(({ keyId, hosts: of, tunnels, revoked }) => ({ keyId, of, tunnels, revoked }))).toEqual([
    { keyId: ana.keyId, of: [host.id], tunnels: 1, revoked: false },
    { keyId: eve.keyId, of: [], tunnels: 0, revoked: true },
  ]);
  expect(await askRelay(path, "revoke", { what: "lab/box" })).toMatchObject({ kind: "host", id: host.id, tunnels: 1 });
});

test("what is asked wrongly is told of, with its code; and where no relay runs, that", async () => {
  const { path } = await scene();
  for (const ttlMs of [0n, 31n * 86_400_000n, 2n ** 64n - 1n])
    await expect(askRelay(path, "invite", { fleet: "home", ttlMs })).rejects.toMatchObject({ code: "bad_request" });
  await expect(askRelay(path, "invite", { fleet: "a b", ttlMs: 1_000n })).rejects.toMatchObject({ code: "bad_request" });
  await expect(askRelay(path, "revoke", { what: "nobody" })).rejects.toMatchObject({ code: "bad_request" });
  await expect(askRelay(adminSocket(place()), "hosts", {})).rejects.toMatchObject({ code: "unreachable" });
});

test("a folder has one relay: a second one is refused, and the first goes on", async () => {
  const folder = place();
  const run = (): ReturnType<typeof runRelay> => runRelay({ folder, listen: "127.0.0.1:0", log: () => {} });
  const first = await run();
  onTestFinished(() => first.close());
  expect(statSync(folder).mode & 0o077).toBe(0);
  await expect(run()).rejects.toMatchObject({ code: "start_failed" });
  expect((await askRelay(adminSocket(folder), "hosts", {})).hosts).toEqual([]);
  first.close();
  const again = await run();
  again.close();
});

test("a relay that others reach speaks TLS alone, with a key of its own that stays; who has another pin does not get in", async () => {
  const folder = place();
  const run = (): ReturnType<typeof runRelay> => runRelay({ folder, listen: "0.0.0.0:0", log: () => {} });
  const first = await run();
  onTestFinished(() => first.close());
  expect([first.isPlain, first.pin.length]).toEqual([false, 64]);
  const at = (pin: string): Promise<RelayClient> =>
    RelayClient.open(relayAddress(`https://127.0.0.1:${first.port}#${pin}`), { timeoutMs: 3_000 });
  const client = await at(first.pin);
  client.close();
  await expect(at("0".repeat(64))).rejects.toMatchObject({ code: "host_key_changed" });
  await expect(RelayClient.open(relayAddress(`http://127.0.0.1:${first.port}`), { timeoutMs: 1_000 })).rejects.toMatchObject({
    code: "unreachable",
  });
  first.close();
  const again = await run();
  expect(again.pin).toBe(first.pin);
  again.close();
});

test("who dials a relay again by its key shakes hands once; when it is there with another key under that address, it is found out", async () => {
  const listen = { listen: "127.0.0.1:0", folder: place(), log: () => {} };
  const keyed = (key: KeyObject): { readonly cert: string; readonly key: string } => {
    const files = { cert: join(place(), "cert"), key: join(place(), "key") };
    writeFileSync(files.cert, containerFor(key));
    writeFileSync(files.key, key.export({ format: "pem", type: "pkcs8" }));
    return files;
  };
  const [own, another] = [keyed(generateKeyPairSync("ed25519").privateKey), keyed(generateKeyPairSync("ed25519").privateKey)];
  const first = await runRelay({ ...listen, tls: own });
  onTestFinished(() => first.close());
  let connections = 0;
  // Whoever dials passes by here.
  const way = createServer((socket) => {
    connections++;
    const far = connect(first.port, "127.0.0.1");
    for (const [a, b] of [
      [socket, far],
      [far, socket],
    ] as const)
      a.on("error", () => b.destroy()).pipe(b);
  });
  await once(way.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void way.close());
  const { port } = way.address() as AddressInfo;
  const dial = async (): Promise<void> =>
    (await RelayClient.open(relayAddress(`https://127.0.0.1:${port}#${first.pin}`), { timeoutMs: 2_000 })).close();
  await dial();
  expect(connections).toBe(2);
  await dial();
  expect(connections).toBe(3);
  const { port: at } = first;
  first.close();
  const other = await runRelay({ ...listen, listen: `127.0.0.1:${at}`, tls: another });
  onTestFinished(() => other.close());
  await expect(dial()).rejects.toMatchObject({ code: "unreachable" });
  await expect(dial()).rejects.toMatchObject({ code: "host_key_changed" });
});
