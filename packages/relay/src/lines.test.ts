import { randomBytes } from "node:crypto";
import { create, DoorsSchema, ErrorSchema, type HoldError } from "@holdfast/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Caller } from "./caller.ts";
import { type Line, Lines, type Tunnel } from "./lines.ts";

const idOf = (digit: string): string => digit.repeat(32);
const keyId = (digit: string): string => digit.repeat(64);
const key = (digit: string): Caller => ({ keyId: keyId(digit) });
let now = 1_000_000;
let fence = 0;
let lines: Lines<string>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  now = 1_000_000;
  lines = new Lines(() => now);
});
afterEach(() => {
  vi.useRealTimers();
});

interface TestLine extends Line {
  readonly offers: Uint8Array[];
  refused: string;
}

function line(digit: string, name: string, fleet = "home"): TestLine {
  const made: TestLine = {
    host: { id: idOf(digit), name, fleet, joinedUnixMs: 0, isRevoked: false },
    version: "",
    from: "",
    claim: { host: idOf(digit), fence: ++fence, isLost: false },
    offers: [],
    refused: "",
    send: (word) => void (word.case === "offer" && made.offers.push(word.value!.id!)),
    refuse: (why) => void (made.refused = why.code),
  };
  lines.open(made);
  return made;
}

const admit = (of: Line, keys: readonly string[], invited: readonly { knock: string; until: number }[] = []): void =>
  lines.setDoors(
    of,
    create(DoorsSchema, {
      keyIds: keys.map((k) => Buffer.from(keyId(k), "hex")),
      invited: invited.map(({ knock, until }) => ({ knockHash: Buffer.from(knock, "hex"), untilUnixMs: BigInt(until) })),
    }),
  );

function codeOf(run: () => unknown): string {
  try {
    run();
    return "";
  } catch (fault) {
    return (fault as HoldError).code;
  }
}

const offerTo = (of: Line, gone = new AbortController()): Promise<string> => {
  const offer = lines.offer(of, { from: "", carrier: "grpc", plain: false, gone: gone.signal });
  return offer.catch((fault: HoldError) => fault.code);
};

test("a host is found by who it lets in, by its name or its id; two of one name are told apart by id", () => {
  const [box, lab] = [line("1", "box"), line("2", "box", "lab")];
  admit(box, ["a", "b"]);
  admit(lab, ["b"]);
  expect([lines.find(key("a"), "box"), lines.find(key("a"), idOf("1"))]).toEqual([box, box]);
  expect(codeOf(() => lines.find(key("a"), idOf("2")))).toBe("unreachable");
  expect(codeOf(() => lines.find(key("b"), "box"))).toBe("bad_request");
  expect(lines.find(key("b"), idOf("2"))).toBe(lab);
  expect(lines.admitting(key("b"))).toEqual([box, lab]);
  expect(lines.admitting(key("c"))).toEqual([]);
});

test("who knocks at one host, here or away, has no other one looked at", async () => {
  const others = ["2", "3", "4", "5"].map((digit) => line(digit, `other-${digit}`));
  for (const other of others) admit(other, ["a"]);
  for (const other of others.slice(2)) lines.over(other);
  const box = line("1", "box");
  admit(box, ["a"]);
  const asked = new Set<string>();
  for (const other of others) {
    const { host } = other;
    Object.defineProperty(other, "host", { get: () => asked.add(host.id) && host });
  }
  const atOnce = { gone: new AbortController().signal, comingMs: 0 };
  expect(await Promise.all(["box", idOf("1")].map((host) => lines.findSoon(key("a"), host, atOnce)))).toEqual([box, box]);
  await expect(lines.findSoon(key("a"), "nobody", atOnce)).rejects.toMatchObject({ code: "unreachable" });
  expect(asked.size).toBe(0);
});

test("an invitation opens one host's door, until it is over", () => {
  const [box, other] = [line("1", "box"), line("2", "other")];
  const knock = "ab".repeat(32);
  admit(box, [], [{ knock, until: now + 1_000 }]);
  admit(other, []);
  expect(lines.find({ knockHash: knock }, "box")).toBe(box);
  expect(codeOf(() => lines.find({ knockHash: knock }, "other"))).toBe("unreachable");
  expect(codeOf(() => lines.find({ knockHash: "cd".repeat(32) }, "box"))).toBe("unreachable");
  // A key's id is no invitation, and an invitation's hash no key.
  expect(codeOf(() => lines.find({ keyId: knock }, "box"))).toBe("unreachable");
  now += 1_000;
  expect(codeOf(() => lines.find({ knockHash: knock }, "box"))).toBe("unreachable");
});

test("an offer is taken once, in its time, and by nobody who does not know it", async () => {
  const box = line("1", "box");
  const first = offerTo(box);
  expect(codeOf(() => lines.take(randomBytes(16), "stranger"))).toBe("bad_request");
  lines.take(box.offers[0]!, "taker");
  expect(await first).toBe("taker");
  expect(codeOf(() => lines.take(box.offers[0]!, "second"))).toBe("bad_request");
  const late = offerTo(box);
  vi.advanceTimersByTime(10_000);
  expect(await late).toBe("timed_out");
  expect(codeOf(() => lines.take(box.offers[1]!, "late"))).toBe("bad_request");
  const gone = new AbortController();
  const left = offerTo(box, gone);
  gone.abort();
  expect(await left).toBe("cancelled");
  expect(codeOf(() => lines.take(box.offers[2]!, "late"))).toBe("bad_request");
  expect(vi.getTimerCount()).toBe(0);
});

test("a host declines its own offers alone", async () => {
  const [box, other] = [line("1", "box"), line("2", "other")];
  const asked = offerTo(box);
  lines.decline(other, box.offers[0]!, undefined);
  lines.decline(box, box.offers[0]!, undefined);
  expect(await asked).toBe("not_permitted");
});

test("a host that is too full says so, and whatever else it says is no more than that it does not open", async () => {
  const box = line("1", "box");
  const declined = async (code: string): Promise<string> => {
    const asked = offerTo(box);
    lines.decline(box, box.offers.at(-1)!, create(ErrorSchema, { code, message: "no" }));
    return asked;
  };
  expect(await declined("too_many")).toBe("too_many");
  for (const code of ["not_permitted", "revoked", "fenced", "of no sort"]) expect(await declined(code)).toBe("not_permitted");
});

test("the newest line of a host is the one: what the one before says is not heard, and its end ends nothing", async () => {
  const before = line("1", "box");
  admit(before, ["a"]);
  const after = line("1", "box");
  expect(before.refused).toBe("fenced");
  // Until it says otherwise it lets in whom it let in.
  expect(lines.find(key("a"), "box")).toBe(after);
  admit(before, ["b"]);
  lines.over(before);
  expect([lines.online, lines.admitting(key("b"))]).toEqual([1, []]);
  const waiting = offerTo(after);
  lines.over(after);
  expect([await waiting, lines.online]).toEqual(["unreachable", 0]);
});

test("who is let in no more has half a second, and none if the host lets them in again meanwhile", () => {
  const box = line("1", "box");
  admit(box, ["a", "b"]);
  const ended: string[] = [];
  const begin = (who: string): (() => void) => {
    const tunnel: Tunnel = { caller: key(who), from: "", end: (why) => void ended.push(`${who} ${why.code}`) };
    return lines.begin(box, tunnel);
  };
  begin("a");
  const over = begin("b");
  admit(box, []);
  expect([codeOf(() => lines.find(key("a"), "box")), ended]).toEqual(["unreachable", []]);
  admit(box, ["b"]);
  vi.advanceTimersByTime(500);
  expect(new Set(ended)).toEqual(new Set(["a unreachable"]));
  over();
  over();
  expect(lines.tunnels).toBe(1);
});

test("who waits for a host is looked at again when that one comes or lets others in, by its id or its name, and not for others", async () => {
  const looks = vi.spyOn(lines, "find");
  const waits = [idOf("1"), "box"].map((host) =>
    lines.findSoon(key("a"), host, { gone: new AbortController().signal, comingMs: 60_000 }),
  );
  for (const other of ["2", "3", "4"]) admit(line(other, `other-${other}`), ["a"]);
  await Promise.resolve();
  expect(looks).toHaveBeenCalledTimes(2);
  const box = line("1", "box");
  admit(box, ["a"]);
  expect(await Promise.all(waits)).toEqual([box, box]);
});
