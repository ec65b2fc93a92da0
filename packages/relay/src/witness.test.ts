/** Heads over a relay's real wire: hosts that tell them, who may read them, and hosts that tell far too many. */
import { expect, test, vi } from "vitest";
import { headOf, type Host, Key, Scene } from "./test/scene.ts";

const kept = (s: Scene, host: Key): Promise<number[]> =>
  s.relay.heads.of(host.id).then((of) => (of?.heads ?? []).map((h) => h.lsn));

/** Its line is over, and it dials anew. */
async function again(s: Scene, host: Host): Promise<void> {
  host.line.giveUp();
  await vi.waitFor(() => expect(s.relay.lines.entry(host.id)).toBeNull());
  await s.dial(host);
}

test("heads are given to whom the host admits and to the host itself, also when it is away, and to nobody else", async () => {
  const s = await Scene.start();
  const [ana, eve] = [new Key(), new Key()];
  const host = await s.host("box", [ana]);
  host.say({ case: "heads", value: { heads: [headOf(host, 4), headOf(host, 7)] } });
  await vi.waitFor(async () => expect(await kept(s, host)).toEqual([4, 7]));
  const given = await s.heads(ana, "box");
  expect(given).toMatchObject({ host: host.id, heads: [{ lsn: 4n }, { lsn: 7n }], conflicts: [] });
  expect(Buffer.from(given.hostKey)).toEqual(host.raw);
  const other = await s.host("other", [eve]);
  for (const [who, name] of [
    [eve, "box"],
    [eve, host.id],
    [other, "box"],
  ] as const)
    await expect(s.heads(who, name)).rejects.toMatchObject({ message: expect.stringMatching(/unreachable/) });
  host.line.giveUp();
  await vi.waitFor(() => expect(s.relay.lines.entry(host.id)).toBeNull());
  expect((await s.heads(host, host.id)).heads).toHaveLength(2);
  await expect(s.heads(ana, "box")).rejects.toThrow();
  await s.relay.revoke("box", false);
  await expect(s.heads(host, host.id)).rejects.toThrow();
});

test("a host that comes again is told the newest head and shows its chain there; one that shows another is served as ever, and told of", async () => {
  const s = await Scene.start();
  const host = await s.host("box", []);
  host.say({ case: "heads", value: { heads: [headOf(host, 7)] } });
  await vi.waitFor(async () => expect(await kept(s, host)).toEqual([7]));
  await again(s, host);
  const registered = await host.registered();
  expect(registered.witnessed).toMatchObject({ lsn: 7n });
  host.say({ case: "heads", value: { heads: [headOf(host, 9)], proof: { lsn: 7n, chain: headOf(host, 7).chain, lastLsn: 9n } } });
  await vi.waitFor(async () => expect(await kept(s, host)).toEqual([7, 9]));
  host.say({ case: "heads", value: { heads: [headOf(host, 10)] } });
  await vi.waitFor(async () => expect(await kept(s, host)).toEqual([7, 9, 10]));
  expect((await s.relay.heads.of(host.id))?.conflicts).toEqual([]);
  await again(s, host);
  await host.registered();
  host.say({
    case: "heads",
    value: { heads: [headOf(host, 12, 1)], proof: { lsn: 10n, chain: headOf(host, 10, 1).chain, lastLsn: 12n } },
  });
  await vi.waitFor(async () => expect((await s.relay.heads.of(host.id))?.conflicts).toMatchObject([{ found: "forked" }]));
  expect(await kept(s, host)).toEqual([7, 9, 10]);
  expect(s.relay.lines.entry(host.id)).not.toBeNull();
});

test("twenty thousand words of heads leave the line up and the table as small as it was", async () => {
  const s = await Scene.start();
  const host = await s.host("box", []);
  const heads = Array.from({ length: 8 }, (_, i) => headOf(host, i + 1));
  for (let i = 0; i < 20_000; i++) host.say({ case: "heads", value: { heads } });
  host.say({ case: "beat", value: { n: 7n } });
  await vi.waitFor(() => expect(host.words.some((w) => w.case === "beat")).toBe(true), { timeout: 15_000 });
  await vi.waitFor(async () => expect(await kept(s, host)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]));
});
