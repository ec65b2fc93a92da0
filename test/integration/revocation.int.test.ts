/** T-23: an operator, or one key of theirs, is revoked while it types, reads, waits or is away. Nothing of it is applied afterwards. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { InputStatus, OperatorKind } from "@holdfast/protocol";
import type { Attachment, HoldError, HostClient } from "@holdfast/sdk";
import { connectUnix } from "@holdfast/carrier";
import { files, generateKey, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { bytes, record, refusal, type World, world } from "./world/world.ts";

/** Ana with two devices, `ana` and `ana-phone`. */
async function anaWithTwo(w: World): Promise<void> {
  w.close(await w.operator("ana"));
  const { hostKey, token } = await (await w.connect()).invite({ operator: "ana" });
  await joinHost({
    home: w.home,
    dial: (accept) => connectUnix(files.socket(w.home), accept),
    hostKey,
    token,
    name: "ana-phone",
  });
}

/** Each puts `ana`'s desk out; the error that it is told, and whether the phone stays. */
const ways = [
  ["the operator", "revoked", false, async (w: World) => (await w.connect()).operatorRevoke("ana")],
  ["the key alone", "key_revoked", true, async (w: World) => (await w.connect()).keyRevoke("ana", await keyOfAna(w))],
] as const;

/** The first key of ana is the desk's, the second the phone's. */
async function keyOfAna(w: World, n = 0): Promise<string> {
  const ana = (await (await w.connect()).operatorList()).find((o) => o.id === "ana")!;
  return Buffer.from(ana.keys[n]!.id).toString("hex");
}

async function endOf(
  client: HostClient,
  session: string,
): Promise<{ attachment: Attachment; over: () => string; seen: () => number }> {
  let over = "";
  let seen = 0;
  const attachment = await client.attach(
    { session },
    {
      output: ({ bytes: part }) => void (seen += part.length),
      detached: (reason, error) => void (over = `${reason} ${error?.code}`),
      held: () => attachment.flushHeld(),
    },
  );
  return { attachment, over: () => over, seen: () => seen };
}

test.each(ways)(
  "%s is revoked while it types: what was recorded before stands, and nothing comes after",
  async (_, code, stays, revoke) => {
    const w = await world();
    await anaWithTwo(w);
    const admin = await w.connect();
    const path = w.path("read");
    const session = await w.open(admin, { floor: "open", script: `stty raw -echo; echo ready; exec cat >'${path}'` });
    await admin.wait(session.id, { match: "ready", fromSeq: 0 });
    const desk = await endOf(await w.connect("ana"), session.id);
    const outcomes: (InputStatus | string)[] = [];
    const typing = (async () => {
      for (let n = 0; desk.over() === ""; n++) {
        const outcome = await desk.attachment.input(bytes(`[${n}]`)).catch((fault: HoldError) => fault.code);
        outcomes.push(typeof outcome === "string" ? outcome : outcome.status);
        if (n > 100_000) throw new Error("it types on");
      }
    })();
    await fact("it types", () => outcomes.length > 50);
    await revoke(w);
    const { seq } = await admin.show(session.id);
    await typing;
    expect(desk.over()).toBe(`revoked ${code}`);
    // Whatever comes later was not typed by ana.
    await (await admin.attach({ session: session.id }, {})).input(bytes("[end]"));
    await fact("the program has read to the end", () => existsSync(path) && readFileSync(path, "latin1").endsWith("[end]"));
    const { events } = await record(admin, session.id);
    const inputs = events.filter((e) => e.body?.kind.case === "input");
    expect(inputs.filter((e) => e.actor === "ana" && e.seq > seq)).toEqual([]);
    const settled = new Map(
      events.flatMap((e) =>
        e.body?.kind.case === "inputSettled" ? [[Number(e.body.kind.value.inputSeq), e.body.kind.value.status]] : [],
      ),
    );
    const applied = inputs.filter((e) => settled.get(Number(e.seq)) === InputStatus.APPLIED);
    expect(readFileSync(path, "latin1")).toBe(applied.map((e) => Buffer.from(e.data).toString("latin1")).join(""));
    expect(await refusal(w.connect("ana"))).toBe(code);
    expect(await refusal(w.connect("ana-phone"))).toBe(stays ? "not refused" : "revoked");
  },
);

test("a key is revoked while its input waits for a program that reads nothing: the program never reads it", async () => {
  const w = await world();
  await anaWithTwo(w);
  const admin = await w.connect();
  const path = w.path("read");
  const session = await w.open(admin, {
    script: `stty raw -echo; echo ready; until [ -e '${w.path("go")}' ]; do sleep 0.02; done; exec cat >'${path}'`,
  });
  await admin.wait(session.id, { match: "ready", fromSeq: 0 });
  const desk = await endOf(await w.connect("ana"), session.id);
  const pasted = desk.attachment.input(new Uint8Array(200_000).fill(0x62)).catch((fault: HoldError) => fault);
  await fact("the program's queue is full", () => desk.attachment.unansweredBytes > 100_000);
  await admin.keyRevoke("ana", await keyOfAna(w));
  await fact("it is out", () => desk.over() !== "");
  await pasted;
  writeFileSync(w.path("go"), "");
  await (await admin.attach({ session: session.id }, {})).input(bytes("end"), { take: true });
  await fact("the program has read to the end", () => existsSync(path) && readFileSync(path, "latin1").endsWith("end"));
  expect(readFileSync(path, "latin1").length).toBeLessThan(100_000);
});

test.each(ways)(
  "%s is revoked while a stream is open: the stream ends, and the others' go on",
  async (_, code, stays, revoke) => {
    const w = await world();
    await anaWithTwo(w);
    const admin = await w.connect();
    const session = await w.open(admin, { script: "while :; do echo flood; done" });
    const desk = await endOf(await w.connect("ana"), session.id);
    const phone = await endOf(await w.connect("ana-phone"), session.id);
    const mine = await endOf(admin, session.id);
    await fact("all read", () => [desk, phone, mine].every((r) => r.seen() > 10_000));
    await revoke(w);
    await fact("the desk is out", () => desk.over() !== "");
    expect(desk.over()).toBe(`revoked ${code}`);
    const [atEnd, mineAtEnd, phoneAtEnd] = [desk.seen(), mine.seen(), phone.seen()];
    await fact("the others read on", () => mine.seen() > mineAtEnd + 100_000 && (!stays || phone.seen() > phoneAtEnd + 100_000));
    expect(desk.seen()).toBe(atEnd);
    if (stays) expect(phone.over()).toBe("");
    else await fact("the phone is out too", () => phone.over() === "revoked revoked");
    expect((await admin.show(session.id)).operators.filter((p) => p.operator === "ana")).toHaveLength(stays ? 1 : 0);
  },
);

test.each(ways)(
  "%s is revoked while it is away: it does not come back, not to another life of the host either",
  async (_, code, stays, revoke) => {
    const w = await world();
    await anaWithTwo(w);
    const admin = await w.connect();
    const session = await w.open(admin, { name: "shared", script: "exec cat" });
    const proxy = await Proxy.start(w, "away", {});
    const desk = await endOf(await w.connect("ana", proxy.home), session.id);
    await proxy.stop();
    const late = desk.attachment.input(bytes("late\r")).catch((fault: HoldError) => fault.code);
    await revoke(w);
    await w.killHost();
    const back = await Proxy.start(w, "away-again", {}).catch(() => null);
    expect(back).not.toBeNull();
    expect(await refusal(w.connect("ana", back!.home))).toBe(code);
    expect(await refusal(w.connect("ana-phone"))).toBe(stays ? "not refused" : "revoked");
    await desk.attachment.detach();
    await late;
    const { output, events } = await record(await w.connect(), session.id);
    expect(output.toString()).toBe("");
    expect(events.filter((e) => e.body?.kind.case === "input")).toEqual([]);
  },
);

test("a person is revoked: the AI that acts for them is out with them, live and for every host after this one", async () => {
  const w = await world();
  const admin = await w.connect();
  w.close(await w.operator("ana"));
  const { publicKey } = generateKey(w.home, "ana-ai");
  await admin.operatorAdd({ name: "ana-ai", kind: OperatorKind.AI, role: "operator", publicKey, onBehalfOf: "ana" });
  const session = await w.open(admin, { floor: "open", script: "stty -echo; echo ready; exec cat" });
  const ai = await endOf(await w.connect("ana-ai"), session.id);
  const invited = await admin.invite({ kind: OperatorKind.AI, role: "operator", name: "ana-ai-2", onBehalfOf: "ana" });
  await admin.operatorRevoke("ana");
  await fact("the AI is out", () => ai.over() !== "");
  expect(ai.over()).toBe("revoked revoked");
  expect(await refusal(w.connect("ana-ai"))).toBe("revoked");
  const dial: Parameters<typeof joinHost>[0]["dial"] = (accept) => connectUnix(files.socket(w.home), accept);
  expect(await refusal(joinHost({ home: w.home, dial, ...invited, name: "ana-ai-2" }))).toBe("invitation_unknown");
  await w.killHost();
  expect(await refusal(w.connect("ana-ai"))).toBe("revoked");
  const { events } = await record(await w.connect(), session.id);
  expect(events.filter((e) => e.body?.kind.case === "input")).toEqual([]);
});

test("people take away keys of their own, an AI and a service do not; nobody takes away another's without the right", async () => {
  const w = await world();
  await anaWithTwo(w);
  const ana = await w.connect("ana-phone");
  const bot = await w.operator("bot", "ai");
  const id = Buffer.from((await bot.whoami()).operator!.keys[0]!.id).toString("hex");
  expect(await refusal(bot.keyRevoke("bot", id))).toBe("not_permitted");
  expect(await refusal(bot.invite({ operator: "bot" }))).toBe("not_permitted");
  expect(await refusal(ana.keyRevoke("bot", id))).toBe("not_permitted");
  expect((await ana.operatorList()).map((o) => [o.id, o.keys.length])).toContainEqual(["bot", 0]);
  const desk = await w.connect("ana");
  await ana.keyRevoke("ana", await keyOfAna(w));
  expect(await refusal(desk.list())).toBe("key_revoked");
  // Its own: the link is gone before there is an answer.
  expect(await refusal(ana.keyRevoke("ana", await keyOfAna(w, 1)))).toBe("key_revoked");
  expect(await refusal(w.connect("ana-phone"))).toBe("key_revoked");
});

test("people add keys of their own; nobody adds another's without the right, nor says of a plain key's that it is protected", async () => {
  const w = await world();
  const admin = await w.connect();
  const ana = await w.operator("ana");
  const bot = await w.operator("bot", "ai");
  const { publicKey } = generateKey(w.home, "ana-laptop");
  expect(await refusal(bot.keyAdd("bot", publicKey))).toBe("not_permitted");
  expect(await refusal(bot.keyAdd("ana", publicKey))).toBe("not_permitted");
  expect(await refusal(ana.keyAdd("bot", publicKey))).toBe("not_permitted");
  expect(await refusal(ana.keyAdd("ana", publicKey, { protected: true }))).toBe("not_permitted");
  expect(await refusal(ana.keyAdd("ana", publicKey.subarray(1)))).toBe("bad_request");
  expect(await refusal(w.connect("ana-laptop"))).toBe("unknown_credential");
  await ana.keyAdd("ana", publicKey);
  expect((await (await w.connect("ana-laptop")).whoami()).operator).toMatchObject({ id: "ana", protectedKeyIds: [] });
  expect(await refusal(admin.keyAdd("bot", publicKey))).toBe("name_taken");
  await admin.operatorRevoke("bot");
  expect(await refusal(admin.keyAdd("bot", new Uint8Array(32).fill(9)))).toBe("no_such_operator");
});

test("an invitation for another device is void once a key of its operator was revoked", async () => {
  const w = await world();
  await anaWithTwo(w);
  const { hostKey, token } = await (await w.connect("ana")).invite({ operator: "ana" });
  await (await w.connect("ana-phone")).keyRevoke("ana", await keyOfAna(w));
  const dial: Parameters<typeof joinHost>[0]["dial"] = (accept) => connectUnix(files.socket(w.home), accept);
  expect(await refusal(joinHost({ home: w.home, dial, hostKey, token, name: "stolen" }))).toBe("invitation_unknown");
});

test("what an operator has invited to lets nobody in once they are revoked", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "shared", script: "exec cat" });
  const { hostKey, token } = await (await w.operator("ada", "human", "admin")).invite({ session: "shared", ttlMs: 3_600_000 });
  await admin.operatorRevoke("ada");
  const dial: Parameters<typeof joinHost>[0]["dial"] = (accept) => connectUnix(files.socket(w.home), accept);
  expect(await refusal(joinHost({ home: w.home, dial, hostKey, token, name: "friend" }))).toBe("invitation_unknown");
});
