import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { expect, onTestFinished, test } from "vitest";
import { NatsProcess } from "../../../../test/integration/world/nats.ts";
import { connectNats, leaveServer, readServers } from "./connect.ts";

function place(): { readonly path: (name: string) => string; readonly atEnd: (end: () => void) => void } {
  const folder = mkdtempSync(join(tmpdir(), "hold-nats-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { path: (name) => join(folder, name), atEnd: () => {} };
}

async function server(at: ReturnType<typeof place>, more: string): Promise<NatsProcess> {
  const nats = await NatsProcess.start(at, "nats", { more });
  onTestFinished(() => nats.kill());
  return nats;
}

test("what is no address of NATS is told of: secrets, paths, plaintext that would leave this machine, and both ways at once", () => {
  expect(readServers(["nats://127.0.0.1", "nats://localhost:4223"])).toEqual({
    servers: ["127.0.0.1:4222", "localhost:4223"],
    isTls: false,
  });
  expect(readServers(["tls://nats.example"])).toEqual({ servers: ["nats.example:4222"], isTls: true });
  const none = [
    ["nats.example"],
    ["http://127.0.0.1"],
    ["nats://nats.example:4222"],
    ["nats://127.0.0.1.evil.example"],
    ["tls://a:b@nats.example"],
    ["tls://token@nats.example"],
    ["tls://nats.example/a"],
    ["tls://nats.example?a"],
    ["nats://127.0.0.1", "tls://nats.example"],
  ];
  for (const urls of none)
    expect(() => readServers(urls), urls.join()).toThrow(expect.objectContaining({ code: "usage" }) as Error);
});

test("by tls:// nothing is said in plaintext: a server without TLS, one of another authority and none at all are one refusal to start", async () => {
  const at = place();
  const plain = await server(at, "");
  const tls = plain.url.replace("nats:", "tls:");
  await expect(connectNats({ servers: [tls] }, "test")).rejects.toMatchObject({ code: "start_failed" });
  await plain.kill();
  await expect(connectNats({ servers: [plain.url] }, "test")).rejects.toMatchObject({ code: "start_failed" });
});

test("a server of an authority that was named is spoken to by TLS; of another it is not", async () => {
  const at = place();
  const [ca, key] = [at.path("cert.pem"), at.path("key.pem")];
  const made = selfMadeCertificate();
  writeFileSync(ca, made.cert);
  writeFileSync(key, made.key);
  const nats = await server(at, `tls { cert_file: ${JSON.stringify(ca)}, key_file: ${JSON.stringify(key)} }`);
  const servers = [nats.url.replace("nats:", "tls:").replace("127.0.0.1", "localhost")];
  await expect(connectNats({ servers }, "test")).rejects.toMatchObject({ code: "start_failed" });
  const nc = await connectNats({ servers, ca }, "test");
  await nc.flush();
  await nc.close();
});

/** As `nsc` signs them. */
function jwt(by: nkeys.KeyPair, of: nkeys.KeyPair, nats: Record<string, unknown>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    jti: "test",
    iat: Math.trunc(Date.now() / 1_000),
    iss: by.getPublicKey(),
    sub: of.getPublicKey(),
    name: "test",
  };
  const words = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part({ ...claims, nats: { version: 2, ...nats } })}`;
  return `${words}.${Buffer.from(by.sign(Buffer.from(words))).toString("base64url")}`;
}

test("a server that wants to know who comes is told by the file of credentials, and by nothing else", async () => {
  const at = place();
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const system = nkeys.createAccount();
  const limits = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const accountJwt = jwt(operator, account, { type: "account", limits });
  const systemJwt = jwt(operator, system, { type: "account", limits });
  const nats = await NatsProcess.prepare(
    at,
    "nats",
    [
      `operator: ${jwt(operator, operator, { type: "operator" })}`,
      "resolver: MEMORY",
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`,
    ].join("\n"),
  );
  onTestFinished(() => nats.kill());
  await nats.start();
  const creds = at.path("relay.creds");
  const seed = Buffer.from(user.getSeed()).toString();
  const userJwt = jwt(account, user, { type: "user", subs: -1, data: -1, payload: -1 });
  writeFileSync(
    creds,
    `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  );
  await expect(connectNats({ servers: [nats.url] }, "test")).rejects.toMatchObject({ code: "start_failed" });
  const nc = await connectNats({ servers: [nats.url], creds }, "test");
  await nc.flush();
  await nc.close();
});

test("who leaves a server is at another where there is one, and at the same where there is none", async () => {
  const [a, b] = [await server(place(), ""), await server(place(), "")];
  for (const urls of [[a.url, b.url], [a.url]]) {
    const nc = await connectNats({ servers: urls }, "relay");
    onTestFinished(() => nc.close());
    const left = nc.getServer();
    await leaveServer(nc, { servers: urls });
    expect(nc.isClosed()).toBe(false);
    expect(nc.getServer() === left).toBe(urls.length === 1);
    await nc.flush();
  }
});
