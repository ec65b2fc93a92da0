import { expect, test } from "vitest";
import type { RecordPage } from "../app/context.ts";
import { hold, host, nowMs } from "../app/fake.ts";

const NETWORK = "https://box.example:7433";

function client(asked: string[] = []) {
  const told = { addresses: { network_console: NETWORK, websocket: "wss://box.example:7433" }, uplinks: [] };
  return host({
    status: async () => told as never,
    console: async () => {
      asked.push("loopback");
      return "http://127.0.0.1:7434";
    },
    invite: async () =>
      ({
        token: new Uint8Array(32),
        hostKey: new Uint8Array(32),
        invitation: { id: "inv-1", redeemUntilUnixMs: BigInt(nowMs + 600_000) },
      }) as never,
  });
}

const ended = AbortSignal.abort();

function record(closed: string[] = []): RecordPage {
  return {
    url: "http://127.0.0.1:5555",
    hostKey: new Uint8Array(32),
    token: new Uint8Array(32),
    redeemUntilUnixMs: nowMs + 600_000,
    close: async () => void closed.push("closed"),
  };
}

test("of a host that is named the page is the one that it serves to other machines, and its loopback is left alone", async () => {
  const asked: string[] = [];
  for (const line of ["console wss://box.example:7433 --json", "console --host wss://box.example:7433 --json"]) {
    const { code, out } = await hold(line, { client: client(asked) });
    expect([line, code, JSON.parse(out.text)]).toMatchObject([line, 0, { url: NETWORK }]);
  }
  expect(asked).toEqual([]);
  const { out } = await hold("console --json", { client: client(asked) });
  expect([asked, JSON.parse(out.text)]).toMatchObject([["loopback"], { url: "http://127.0.0.1:7434" }]);
});

test("where the host is gone and its mirror is known, the page is the record's until it is ended", async () => {
  const closed: string[] = [];
  const { code, out } = await hold("console wss://box.example:7433 --json", { record: record(closed), cancelled: ended });
  expect([code, JSON.parse(out.text)]).toMatchObject([0, { url: "http://127.0.0.1:5555" }]);
  expect(closed).toEqual(["closed"]);
});

test("a way in is asked of the host, and its record is no answer to that", async () => {
  for (const flag of ["--by-network", "--by-relay"])
    expect(await hold(`console wss://box.example:7433 ${flag}`, { record: record(), cancelled: ended })).toMatchObject({
      code: 5,
    });
});

test("one command speaks to one host, and closes the page of this machine's alone", async () => {
  for (const [line, said] of [
    ["console box --host wss://other.example:1", "box and wss://other.example:1 are both named"],
    ["console box --context lab", "box and lab are both named"],
    ["console --off box", "--off closes the page of this machine's loopback"],
  ] as const) {
    const { code, err } = await hold(line, { client: client() });
    expect([line, code, err.text]).toEqual([line, 2, expect.stringContaining(said)]);
  }
});
