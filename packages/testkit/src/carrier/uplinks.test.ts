/** The relays that a host dials, at relays that are real. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Uplinks, type UplinksParts } from "@holdfast/host/uplinks";
import { FileBook, listenGrpc, meantBy, Relay } from "@holdfast/relay";
import { expect, onTestFinished, test } from "vitest";

/** Its URL, and a token. */
async function relay(): Promise<{ readonly url: string; readonly token: Uint8Array }> {
  const [book, token] = [FileBook.open(null), randomBytes(32)];
  book.invite(token, { fleet: "home", name: "", untilUnixMs: Date.now() + 60_000 }, Date.now());
  const made = new Relay({ book, isMe: meantBy(null), wallMs: () => Date.now(), log: () => {} });
  const { port, close } = await listenGrpc(made, { listen: "127.0.0.1:0" });
  onTestFinished(close);
  return { url: `http://127.0.0.1:${port}`, token };
}

function uplinks(): { readonly uplinks: Uplinks; readonly remembered: () => string[]; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "hold-uplinks-"));
  const path = join(folder, "relays.json");
  const { privateKey: key, publicKey } = generateKeyPairSync("ed25519");
  const made = new Uplinks({
    path,
    identity: { key, publicKey: publicKey.export({ format: "der", type: "spki" }).subarray(12), id: "x" },
    version: "1.2.3",
    registry: { list: () => [] },
    invitations: { list: () => [] },
    meet: () => ({ frame: () => {}, closed: () => {} }),
    log: () => {},
    wallMs: () => Date.now(),
    witness: { current: () => null, onHead: () => () => {}, present: () => ({}) },
  } as unknown as UplinksParts);
  onTestFinished(() => {
    made.stop();
    rmSync(folder, { recursive: true });
  });
  const remembered = (): string[] => (JSON.parse(readFileSync(path, "utf8")) as { url: string }[]).map(({ url }) => url);
  return { uplinks: made, remembered, folder };
}

test("relays that are joined at once are all dialled, remembered, and left by name", async () => {
  const host = uplinks();
  const [a, b] = await Promise.all([relay(), relay()]);
  await Promise.all([a, b].map(({ url, token }) => host.uplinks.join({ url, name: "box", ca: "" }, token)));
  const urls = [a.url, b.url].toSorted();
  expect(host.uplinks.list().map((of) => [of.url, of.state])).toEqual(
    expect.arrayContaining(urls.map((url) => [url, "connected"])),
  );
  expect(host.remembered().toSorted()).toEqual(urls);
  host.uplinks.leave(a.url);
  expect(host.remembered()).toEqual([b.url]);
});

test("a relay that can't be forgotten is not left: it stays dialled, as it is remembered", async () => {
  const host = uplinks();
  const { url, token } = await relay();
  await host.uplinks.join({ url, name: "box", ca: "" }, token);
  rmSync(host.folder, { recursive: true });
  expect(() => host.uplinks.leave(url)).toThrow();
  expect(host.uplinks.list()).toMatchObject([{ url, state: "connected" }]);
  mkdirSync(host.folder);
  host.uplinks.leave(url);
  expect([host.uplinks.list(), host.remembered()]).toEqual([[], []]);
});

test("a relay's web side, by which no host comes, is refused before it is dialled", async () => {
  const host = uplinks();
  const joining = host.uplinks.join({ url: "ws://127.0.0.1:7445", name: "box", ca: "" }, randomBytes(32));
  await expect(joining).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("https://") as string });
});
