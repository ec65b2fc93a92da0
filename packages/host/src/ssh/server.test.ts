import { connect, type Socket } from "node:net";
import { MonotonicMs } from "@holdfast/core";
import { limits } from "@holdfast/protocol";
import ssh2 from "ssh2";
import { afterEach, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { keyIdOf } from "../operator/key.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { newKey as madeBy } from "./host-key.ts";
import { rawKeyOf } from "./public-key.ts";
import { SshServer, type SshServerParts } from "./server.ts";

const open: (() => void)[] = [];
afterEach(() => {
  for (const end of open.splice(0).reverse()) end();
});

const newKey = (): string => madeBy(ssh2);
function parsed(key: string): ssh2.ParsedKey {
  const read = ssh2.utils.parseKey(key);
  if (read instanceof Error) throw read;
  return Array.isArray(read) ? read[0]! : read;
}
const keyIdOfSsh = (key: string): Buffer => keyIdOf(rawKeyOf(parsed(key).getPublicSSH())!);

const keys = { ana: newKey(), bob: newKey(), rex: newKey(), nobody: newKey() };

async function listening(more: Partial<SshServerParts> = {}) {
  const operators = (["ana", "bob", "rex"] as const).map(
    (id) => [keyIdOfSsh(keys[id]), { id, name: id, revoked: id === "rex" } as RegisteredOperator] as const,
  );
  const refused: string[] = [];
  const host = {
    ports: {
      clock: { monoMs: () => MonotonicMs(performance.now()) },
      wakeAt: (at: number, run: () => void) => {
        const timer = setTimeout(run, Math.max(0, at - performance.now()));
        return () => clearTimeout(timer);
      },
      newId: () => "0",
      log: () => {},
    },
    registry: {
      byKeyId: (id: Uint8Array) => {
        const found = operators.find(([known]) => known.equals(id));
        return found ? { operator: found[1], key: new Uint8Array(32) } : null;
      },
    },
    refusals: { tell: (kind: string) => void refused.push(kind) },
  } as unknown as Host;
  const met: string[] = [];
  const server = await SshServer.open(
    { address: "127.0.0.1", port: 0 },
    {
      host,
      key: { privateKey: newKey(), publicKey: "" },
      lacking: () => null,
      meet: (_link, { operator, via }) => {
        met.push(`${operator.id} by ${via}`);
        return { frame: () => {}, closed: () => {} };
      },
      ...more,
    },
  );
  open.push(() => server.close());
  return { server, met, refused, port: Number(server.url.split(":").at(-1)) };
}

/** A connection by hand: what was said on it when it is over. */
function peer(port: number): { readonly socket: Socket; readonly gone: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("error", () => {}).on("data", (bytes: Buffer) => (said += bytes.toString("latin1")));
  open.push(() => void socket.destroy());
  return { socket, gone: new Promise((resolve) => socket.once("close", () => resolve(said))) };
}

function attempt(port: number, config: ssh2.ConnectConfig): Promise<string> {
  const client = new ssh2.Client();
  open.push(() => client.destroy());
  return new Promise((resolve) => {
    client.once("ready", () => resolve("in"));
    client.on("error", (fault) => resolve(fault.message));
    client.once("close", () => resolve("gone"));
    client.connect({ host: "127.0.0.1", port, username: "work", ...config });
  });
}

const OUT = "All configured authentication methods failed";

test("a known operator's key lets in, as that operator; nobody's, a revoked one's and a password do not, and hear the same", async () => {
  const { port, met, refused } = await listening();
  expect(await attempt(port, { privateKey: keys.ana })).toBe("in");
  expect(refused).toEqual([]);
  expect(await attempt(port, { privateKey: keys.nobody })).toBe(OUT);
  expect(await attempt(port, { privateKey: keys.rex })).toBe(OUT);
  expect(await attempt(port, { password: "open sesame" })).toBe(OUT);
  expect(await attempt(port, { tryKeyboard: true })).toBe(OUT);
  const rsa = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }).private;
  expect(await attempt(port, { privateKey: rsa })).toBe(OUT);
  expect(met).toEqual(["ana by ssh"]);
  expect(new Set(refused)).toEqual(new Set(["unknown_credential over ssh"]));
});

test("who asks with another's public key and signs with their own is nobody; and then they are who they are", async () => {
  const { port, met } = await listening();
  const forged = (): ssh2.ParsedKey => {
    const key = parsed(keys.bob);
    const anas = parsed(keys.ana).getPublicSSH();
    return Object.assign(key, { getPublicSSH: () => anas });
  };
  const by = (key: ssh2.ParsedKey | string) => ({ type: "publickey" as const, username: "work", key: key as string });
  const methods = (list: readonly ReturnType<typeof by>[]): ssh2.ConnectConfig => ({
    authHandler: [...list] as ssh2.AuthHandlerMiddleware & never[],
  });
  expect(await attempt(port, methods([by(forged())]))).toBe(OUT);
  expect(met).toEqual([]);
  expect(await attempt(port, methods([by(forged()), by(keys.bob)]))).toBe("in");
  expect(met).toEqual(["bob by ssh"]);
});

test("algorithms that are not beyond doubt are not spoken", async () => {
  const { port } = await listening();
  const weak: ssh2.Algorithms[] = [
    { kex: ["diffie-hellman-group14-sha1"] },
    { kex: ["ecdh-sha2-nistp256"] },
    { cipher: ["aes128-ctr"] },
    { cipher: ["chacha20-poly1305@openssh.com"] },
    { compress: ["zlib"] },
  ];
  for (const algorithms of weak) expect(await attempt(port, { privateKey: keys.ana, algorithms })).toMatch(/no matching/);
});

test("a program that says nothing, and a person who does not answer, are put out in their time", async () => {
  const silent = await listening({ programMs: 30 });
  await peer(silent.port).gone;
  const slow = await listening({ programMs: 20_000, personMs: 30 });
  const { socket, gone } = peer(slow.port);
  socket.write("SSH-2.0-slow\r\n");
  expect(await gone).toContain("SSH-2.0-OpenSSH_Holdfast");
  expect(slow.server.strangers).toBe(0);
});

test("one stranger more than there is room for puts out the one that has said nothing for longest, and a known key comes in", async () => {
  const { server, port } = await listening({ strangers: 3 });
  const met = async (): Promise<ReturnType<typeof peer>> => {
    const made = peer(port);
    await new Promise((heard) => made.socket.once("data", heard));
    return made;
  };
  const person = await met();
  person.socket.write("SSH-2.0-person\r\n");
  // It is answered with what this host can do.
  await new Promise((heard) => person.socket.once("data", heard));
  const silent = await met();
  await met();
  expect(server.strangers).toBe(3);
  expect(await attempt(port, { privateKey: keys.ana })).toBe("in");
  await silent.gone;
  expect(server.strangers).toBe(2);
  expect(person.socket.destroyed).toBe(false);
});

test("a stranger is read 64 KiB and no more, whatever they are", async () => {
  const { server, port } = await listening();
  const { socket, gone } = peer(port);
  socket.write("SSH-2.0-flood\r\n");
  socket.write(Buffer.alloc(limits.preAuthBytes + 1, "x"));
  await gone;
  const lines = peer(port);
  lines.socket.write("no ssh\r\n".repeat(10_000));
  await lines.gone;
  expect(server.strangers).toBe(0);
});

test("after six keys that are nobody's the connection is over", async () => {
  const { port } = await listening();
  const by = (key: string) => ({ type: "publickey" as const, username: "work", key });
  const authHandler = [...Array.from({ length: 6 }, () => by(newKey())), by(keys.ana)] as ssh2.AuthHandlerMiddleware & never[];
  expect(await attempt(port, { authHandler })).toBe("gone");
});
