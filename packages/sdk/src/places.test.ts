import { expect, test } from "vitest";
import { pagesOf, placesOf } from "./places.ts";

const uplink = (url: string, more: { page?: string; allowPlain?: boolean; state?: string } = {}) =>
  ({ url, name: "box", state: "connected", page: "", allowPlain: false, ...more }) as never;
const status = (addresses: Record<string, string>, ...uplinks: never[]) => ({ addresses, uplinks, hostId: "0f56" });

test("a host's places are those by which links are made, then others, each once, and the relays that it is connected to", () => {
  const told = status(
    { http: "https://box.example:7433", ssh: "ssh://box.example:2222", websocket: "wss://box.example:7433" },
    uplink("https://r.example:7444#ab"),
    uplink("https://away.example:7444", { state: "connecting" }),
  );
  expect(placesOf(told)).toEqual(["wss://box.example:7433", "relay://r.example:7444/box#ab", "ssh://box.example:2222"]);
});

test("the console is where the host listens with it, then at relays by which pages are let in, then on the loopback", () => {
  const told = status(
    { console: "http://127.0.0.1:7434", network_console: "https://box.example:7433" },
    uplink("https://no.example", { page: "https://no.example:7445" }),
    uplink("https://a.example", { page: "https://a.example:7445", allowPlain: true }),
    uplink("https://b.example", { page: "https://b.example", allowPlain: true }),
  );
  const behind = ["relay+wss://a.example:7445/0f56", "relay+wss://b.example/0f56"];
  expect(pagesOf(told)).toEqual([
    { by: "network", url: "https://box.example:7433", at: ["wss://box.example:7433"] },
    { by: "relay", url: "https://a.example:7445", at: behind },
    { by: "relay", url: "https://b.example", at: behind },
    { by: "here", url: "http://127.0.0.1:7434", at: ["ws://127.0.0.1:7434"] },
  ]);
  expect(pagesOf(status({}))).toEqual([]);
});
