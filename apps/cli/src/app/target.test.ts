import { describe, expect, test } from "vitest";
import { relayedAddress } from "@holdfast/sdk";
import { type Contexts, type Said, splitHost, targetOf } from "./target.ts";

const contexts: Contexts = {
  current: "",
  places: {
    work: { relay: "https://relay.example:7444", as: "eva" },
    lab: { relay: "https://relay.example:7444", host: "box", as: "ana" },
    far: { host: "wss://far.example:7433", as: "cy" },
  },
};
const nothing: Said = { host: undefined, relay: undefined, context: undefined, as: undefined };
const inUse = (current: string): Contexts => ({ ...contexts, current });
const target = (said: Partial<Said>, env: Record<string, string> = {}, of = contexts): unknown[] => {
  const { url, relays, as } = targetOf({ ...nothing, ...said }, env, of);
  return [url, relays.length === 0 ? undefined : relays.join(), as];
};
const BOX = "relay://relay.example:7444/box";
const RELAY = "https://relay.example:7444";

describe("which host a line is about", () => {
  test("this machine's, where nothing is said", () => {
    expect(target({})).toEqual([undefined, undefined, undefined]);
    expect(target({ context: "local" }, { HOLDFAST_HOST: "wss://x:1" }, inUse("lab"))).toEqual([undefined, undefined, undefined]);
  });

  test("an address is itself, whatever relay is about", () => {
    expect(target({ host: "wss://far.example:7433" }, {}, inUse("work"))).toEqual([
      "wss://far.example:7433",
      undefined,
      undefined,
    ]);
    expect(target({ host: BOX })).toEqual([BOX, undefined, undefined]);
  });

  test("a name is one of the relay's that is said, or of the context's that is in use, or of the environment's", () => {
    expect(target({ host: "box", relay: "http://127.0.0.1:7444" }, {}, inUse("work"))).toEqual([
      "relay+http://127.0.0.1:7444/box",
      "http://127.0.0.1:7444",
      undefined,
    ]);
    expect(target({ host: "box" }, {}, inUse("work")).slice(0, 2)).toEqual([BOX, RELAY]);
    expect(target({ host: "box" }, { HOLDFAST_RELAY: RELAY }).slice(0, 2)).toEqual([BOX, RELAY]);
    expect(() => target({ host: "box" })).toThrow(/no relay is named/);
  });

  test("a context stands for all that it has; the line is meant before the environment, and that before the one in use", () => {
    expect(target({}, {}, inUse("lab"))).toEqual([BOX, RELAY, "ana"]);
    expect(target({}, { HOLDFAST_CONTEXT: "far" }, inUse("lab"))).toEqual(["wss://far.example:7433", undefined, "cy"]);
    expect(target({ context: "lab" }, { HOLDFAST_HOST: "wss://x:1" })).toEqual([BOX, RELAY, "ana"]);
    expect(target({ relay: "https://other.example" }, { HOLDFAST_HOST: "wss://x:1" }, inUse("lab"))).toEqual([
      undefined,
      "https://other.example",
      undefined,
    ]);
    expect(target({ context: "lab", as: "ben" })[2]).toBe("ben");
  });

  test("who one is at a relay goes with the relay: also where the host is named beside the context", () => {
    expect(target({ host: "box2" }, {}, inUse("work"))).toEqual(["relay://relay.example:7444/box2", RELAY, "eva"]);
    expect(target({ host: "box2", context: "work" })).toEqual(["relay://relay.example:7444/box2", RELAY, "eva"]);
    expect(target({ host: "box2", context: "work" }, { HOLDFAST_AS: "env" })[2]).toBe("eva");
    // Of another relay, or of a host that listens, nothing of the context is meant.
    expect(target({ host: "box2", relay: "https://other.example" }, {}, inUse("work"))[2]).toBeUndefined();
    expect(target({ host: "wss://far.example" }, {}, inUse("work"))[2]).toBeUndefined();
  });

  test("a context that there is none of is told of, also where its name is one that every object has", () => {
    for (const context of ["nowhere", "constructor", "toString", "__proto__"])
      expect(() => target({ context }), context).toThrow(/there is no context/);
    expect(() => target({}, { HOLDFAST_CONTEXT: "nowhere" })).toThrow(/there is no context/);
  });
});

test("relays are named with commas between, wherever one is: the host is behind the first of them, and by the others too", () => {
  const OTHER = "https://other.example:7444";
  const both = [BOX, `${RELAY},${OTHER}`];
  expect(target({ host: "box", relay: `${RELAY},${OTHER}` }).slice(0, 2)).toEqual(both);
  expect(target({ host: "box" }, { HOLDFAST_RELAY: ` ${RELAY} , ${OTHER},${RELAY}` }).slice(0, 2)).toEqual(both);
  const of: Contexts = { current: "pair", places: { pair: { relay: `${RELAY},${OTHER}`, host: "box", as: "ana" } } };
  expect(target({}, {}, of)).toEqual([...both, "ana"]);
  expect(target({ host: "box2" }, {}, of)).toEqual(["relay://relay.example:7444/box2", both[1], "ana"]);
  for (const relay of [",", `${RELAY},`, `,${RELAY}`, `${RELAY},,${OTHER}`])
    expect(() => target({ relay }), relay).toThrow(/a comma between two/);
});

test("HOST/SESSION is two words, and nothing else is", () => {
  expect(splitHost("box/main")).toEqual({ host: "box", session: "main" });
  expect(splitHost(`${"a".repeat(32)}/s0ea6n3n0b`)).toEqual({ host: "a".repeat(32), session: "s0ea6n3n0b" });
  for (const text of ["main", "/main", "box/", "a/b/c", "Box/main", "-x/main", "me@far:main", "./main", "a b/c"])
    expect(splitHost(text), text).toBeNull();
});

test("where a host of a relay is, as operators say it: also with a key in place of an authority", () => {
  const pin = `#${"ab".repeat(32)}`;
  expect(
    [RELAY, `${RELAY}/`, "relay.example:7444", `${RELAY}${pin}`, "http://127.0.0.1:7444"].map((r) => relayedAddress(r, "box")),
  ).toEqual([BOX, BOX, BOX, `${BOX}${pin}`, "relay+http://127.0.0.1:7444/box"]);
});

test("a mirror is that of the context that is meant, or of the one that names the host", () => {
  const of: Contexts = {
    current: "lab",
    places: {
      ...contexts.places,
      box: { host: "wss://box.example:7433", mirror: "nats://nats.example" },
      lab: { relay: RELAY, host: "tower", mirror: "nats://nats.example" },
      ashes: { mirror: "nats://nats.example" },
    },
  };
  const mirrorOf = (said: Partial<Said>, from = of): unknown => targetOf({ ...nothing, ...said }, {}, from).mirror;
  expect(mirrorOf({})).toBe("lab");
  expect(mirrorOf({ context: "box" })).toBe("box");
  expect(mirrorOf({ host: "tower" })).toBe("lab");
  expect(mirrorOf({ host: "another" })).toBeUndefined();
  expect(mirrorOf({ host: "wss://box.example:7433" })).toBe("box");
  expect(mirrorOf({ context: "work" })).toBeUndefined();
  expect(mirrorOf({}, { ...of, current: "" })).toBeUndefined();
  // Where no relay is known, a host's name is a context's.
  const alone = { ...of, current: "" };
  expect(targetOf({ ...nothing, host: "box" }, {}, alone)).toMatchObject({ url: "wss://box.example:7433", mirror: "box" });
  expect(targetOf({ ...nothing, host: "ashes" }, {}, alone)).toMatchObject({
    url: undefined,
    relays: [],
    mirror: "ashes",
  });
  expect(() => targetOf({ ...nothing, host: "nobody" }, {}, alone)).toThrow("no relay is named");
});
