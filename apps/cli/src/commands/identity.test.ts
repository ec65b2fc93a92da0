/** What is told of invitations, keys and logins, and what is wrong with a line before anybody is asked. */
import { type HostClient, parseInvite } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { hold, host, nowMs, session } from "../app/fake.ts";

const minute = 60_000;
const invitation = (over: object = {}): object => ({
  id: "inv1",
  operator: "",
  kind: 1,
  role: "observer",
  session: "01jdwork0000",
  untilUnixMs: BigInt(nowMs + 30 * minute),
  redeemUntilUnixMs: BigInt(nowMs + 30 * minute),
  invitedBy: "ana",
  redeemedBy: "",
  revoked: false,
  ...over,
});

/** A host that invites, and listens there. */
function inviting(addresses: Readonly<Record<string, string>>, asked: object[] = []): HostClient {
  return host({
    listed: [session()],
    status: async () => ({ addresses, uplinks: [] }) as never,
    invite: async (spec) => {
      asked.push(spec);
      return { invitation: invitation(), token: new Uint8Array(32).fill(1), hostKey: new Uint8Array(32).fill(2) } as never;
    },
  });
}

describe("hold share", () => {
  test("prints an invitation with each place once, the surest way there first", async () => {
    const asked: object[] = [];
    const at = { ssh: "ssh://box.example:2222", http: "https://box.example:7433", websocket: "wss://box.example:7433" };
    const { code, out, err } = await hold("share work --ttl 45m", { client: inviting(at, asked) });
    expect([code, err.text]).toEqual([0, ""]);
    expect(asked).toEqual([{ session: "01jdwork0000", role: "observer", ttlMs: 45 * minute }]);
    expect(parseInvite(out.text)).toMatchObject({ at: ["wss://box.example:7433", "ssh://box.example:2222"], session: "work" });
  });

  test("tells a person for whom and how long, and how to take it up and back", async () => {
    const { out, err } = await hold("share work --name eva", {
      client: inviting({ websocket: "wss://box.example:7433" }),
      tty: true,
    });
    expect(err.text).toContain("work is shared with eva, who may watch for 30m; it works once, within 30m");
    expect(err.text).toContain(`hold join ${out.text.trim()}`);
    expect(err.text).toContain("hold invitation revoke inv1");
  });

  test.each([
    [{}, /listens nowhere.*hold host up --listen/],
    [{ websocket: "ws://127.0.0.1:7433", http: "http://127.0.0.1:7433" }, /loopback alone.*--at/],
    [{ websocket: "ws://[::1]:7433" }, /loopback alone/],
  ])("at a host that is reached at %j says who can't get there", async (addresses, says) => {
    const { code, err } = await hold("share work", { client: inviting(addresses as Record<string, string>) });
    expect(code).toBe(0);
    expect(err.text).toMatch(says);
  });

  test.each(["wss://proxy.example", "relay+http://127.0.0.1:7444/box", "relay+wss://relay.example/box"])(
    "says nothing of that where a person has named the address: %s",
    async (at) => {
      const { err, out } = await hold(`share work --at ${at} --json`, { client: inviting({}) });
      expect(err.text).toBe("");
      expect(JSON.parse(out.text)).toMatchObject({ at: [at], state: "open", role: "observer" });
    },
  );

  test.each([
    ["share work --ttl 0s", "more than nothing"],
    ["share work --ttl 5m --redeem-within 6m", "more than the guest's whole time"],
    ["share work --role admin", "admin"],
    ["share work --at box.example", "wss://box.example:7433"],
    ["operator invite", "--device"],
    ["operator invite ana --device --role admin", "already"],
    ["host up --oidc-issuer https://login.example", "--oidc-client-id"],
  ])("`hold %s` is wrong before anybody is asked", async (line, says) => {
    const asked: object[] = [];
    const { code, err } = await hold(line, { client: inviting({ websocket: "wss://box.example:7433" }, asked) });
    expect([code, asked]).toEqual([2, []]);
    expect(err.text).toContain(says);
  });
});

test("`hold invitation ls` tells open ones from those that are taken, over or taken back, the latest first", async () => {
  const client = host({
    listed: [session()],
    invitations: async () =>
      [
        invitation({ id: "old", redeemUntilUnixMs: BigInt(nowMs - 1) }),
        invitation({ id: "used", redeemedBy: "eva" }),
        invitation({ id: "back", redeemedBy: "eve", revoked: true }),
        invitation({ id: "new", session: "", operator: "ben\x1b[31m" }),
      ] as never,
  });
  const { out } = await hold("invitation ls --json", { client });
  expect(out.lines.map((l) => JSON.parse(l) as { id: string; state: string }).map((i) => [i.id, i.state])).toEqual([
    ["new", "open"],
    ["back", "revoked"],
    ["used", "taken"],
    ["old", "expired"],
  ]);
  const table = await hold("invitation ls", { client });
  expect(table.out.text).not.toContain("\x1b");
  expect(table.out.lines.find((l) => l.startsWith("used"))).toMatch(/taken\s+eva\s+observer\s+work\s+30m/);
});

const keyed = (over: object = {}): object => ({
  id: "ana",
  name: "ana",
  kind: 1,
  role: "operator",
  capabilities: [],
  addedUnixMs: BigInt(nowMs - minute),
  addedBy: "root",
  revoked: false,
  keyIds: [new Uint8Array(32).fill(0xab)],
  onBehalfOf: "",
  session: "",
  untilUnixMs: 0n,
  protectedKeyIds: [],
  oidcIssuer: "",
  oidcSubject: "",
  keys: [
    {
      id: new Uint8Array(32).fill(0xab),
      addedUnixMs: BigInt(nowMs - minute),
      addedBy: "root",
      revokedUnixMs: 0n,
      usedUnixMs: BigInt(nowMs - 5_000),
      usedVia: "cli",
    },
    {
      id: new Uint8Array(32).fill(0xcd),
      addedUnixMs: BigInt(nowMs - minute),
      addedBy: "ana",
      revokedUnixMs: BigInt(nowMs - 1_000),
      usedUnixMs: 0n,
      usedVia: "",
    },
  ],
  ...over,
});

test("`hold operator show` lists each key: whether it holds, by whom it came, when and how it was used", async () => {
  const client = host({ operatorList: async () => [keyed()] as never });
  const { out } = await hold("operator show ana", { client });
  expect(out.lines.find((l) => l.startsWith("abababab"))).toMatch(/holds\s+1m ago\s+root\s+5s ago\s+cli/);
  expect(out.lines.find((l) => l.startsWith("cdcdcdcd"))).toMatch(/revoked 1s ago\s+1m ago\s+ana/);
  expect((await hold("operator show ben", { client })).code).toBe(1);
});

test("one's own key is revoked though its link ends before the answer; another failure is one", async () => {
  const failing = (code: string) =>
    host({
      operatorList: async () => [keyed()] as never,
      keyRevoke: () => Promise.reject(Object.assign(new Error("out"), { name: "HoldError", code })),
    });
  expect((await hold("operator revoke ana --key abababab", { client: failing("key_revoked") })).code).toBe(0);
  expect((await hold("operator revoke ana --key abababab", { client: failing("unreachable") })).code).toBe(5);
});
