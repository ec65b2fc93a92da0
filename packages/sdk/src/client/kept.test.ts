import { HoldError, InputStatus } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { Connection } from "./connection.ts";
import { type KeptPlace, keptFrom, keptText, takeUp, type TypedFrame } from "./kept.ts";
import { attachedScene, settled } from "./test/scripted-host.ts";

const frame = (data: Uint8Array): TypedFrame => ({
  ...{ data, unit: "u-1", unitEnd: true, interrupt: false, take: true, durable: false, eof: false },
});
const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function place(bytes = BYTES): KeptPlace {
  return {
    ...{ host: "h", session: "s1", attachment: "a1", writer: "writer-1" },
    token: { handle: new Uint8Array([1, 2]), n: 3, secret: BYTES },
    left: {
      nextN: 8,
      unanswered: [{ n: 7, bytes: bytes.length, frame: frame(bytes) }],
      held: [{ bytes: bytes.length, frame: frame(bytes) }],
    },
  };
}

describe("R2: what is kept", () => {
  test("is read as it was, for its own host and session", () => {
    const read = keptFrom(keptText(place(), true), place());
    expect(read).toMatchObject({ ...place(), left: { ...place().left, held: [{ bytes: 256, frame: frame(BYTES) }] } });
  });

  test.each([
    ["another host's", keptText(place(), true), { host: "other", session: "s1" }],
    ["another session's", keptText(place(), true), { host: "h", session: "s2" }],
    ["of a version to come", keptText(place(), true).replace('"version":1', '"version":2'), place()],
    ["cut", keptText(place(), true).slice(0, -9), place()],
    ["no text of ours", '{"version":1,"host":"h","session":"s1","nextN":1}', place()],
    ["null", "null", place()],
    ["empty", "", place()],
  ] as const)("%s is nothing", (_what, text, of) => {
    expect(keptFrom(text, of)).toBeNull();
  });
});

test("R4: of more than 256 KiB the numbers are kept, and the input is not", () => {
  const read = keptFrom(keptText(place(new Uint8Array(128 * 1024 + 1)), true), place());
  expect(read?.left).toEqual({ nextN: 8, unanswered: [], held: [] });
  expect(keptFrom(keptText(place(new Uint8Array(128 * 1024)), true), place())?.left.unanswered).toHaveLength(1);
});

test("R4: where no input is to be kept the numbers are, and no byte of it", () => {
  const secret = new TextEncoder().encode("correct horse");
  const text = keptText(place(secret), false);
  expect(text).not.toContain(Buffer.from(secret).toString("base64"));
  expect(keptFrom(text, place())?.left).toEqual({ nextN: 8, unanswered: [], held: [] });
});

describe("a place", () => {
  const refusing = (code: ConstructorParameters<typeof HoldError>[0]) => ({
    connect: (): Promise<Connection> => Promise.reject(new HoldError(code, "no")),
  });

  test.each(["continuity_over", "continuity_unknown"] as const)("that is %s leaves its writer, and no token", async (code) => {
    expect(await takeUp(refusing(code), place())).toEqual({ link: null, place: { ...place(), token: null } });
  });

  test.each(["continuity_busy", "continuity_copied"] as const)("R3: that is %s leaves nothing", async (code) => {
    expect(await takeUp(refusing(code), place())).toEqual({ link: null, place: null });
  });

  test.each(["unreachable", "revoked"] as const)("is not given up for a host that is %s", async (code) => {
    await expect(takeUp(refusing(code), place())).rejects.toMatchObject({ code });
  });
});

describe("T6: it is kept", () => {
  test("before an input is sent, before a token is acknowledged, and not any more once the attachment has left", async () => {
    const order: string[] = [];
    const { host, attachment } = await attachedScene({
      kept: (text) => {
        const { sent = [], token = null } = JSON.parse(text ?? "{}") as { sent?: unknown[]; token?: { n: number } | null };
        order.push(text === null ? "nothing" : `${sent.length} sent, token ${token?.n ?? "none"}`);
      },
    });
    const answers = host.on;
    host.on = (body, ...rest) => {
      order.push(`host hears ${body.case}`);
      answers(body, ...rest);
    };
    host.say({ case: "continuity", value: { handle: BYTES, n: 1, secret: BYTES, graceMs: 1n } });
    await settled();
    void attachment.input(new Uint8Array([65]));
    await settled();
    host.say({ case: "inputResult", value: { n: 1n, seq: 4n, status: 1, bytes: 1 } });
    await settled();
    await attachment.detach();
    expect(order).toEqual([
      "0 sent, token none",
      "0 sent, token 1",
      "host hears continuityAck",
      "1 sent, token 1",
      "host hears input",
      "0 sent, token 1",
      "host hears detach",
      "nothing",
    ]);
  });

  test("or the attachment ends: a handler that can't keep it is not gone on without", async () => {
    const told: string[] = [];
    const { host, attachment } = await attachedScene({
      kept: (text) => {
        if (text?.includes('"n":1')) throw new Error("no room");
      },
      detached: (reason, error) => void told.push(`${reason}: ${error?.message}`),
    });
    expect(await attachment.input(new Uint8Array([65]))).toMatchObject({ status: InputStatus.REFUSED, code: "session_ended" });
    await settled();
    expect(told).toEqual(["handler failed: a handler of this attachment threw: no room"]);
    expect(host.of("input")).toEqual([]);
  });
});
