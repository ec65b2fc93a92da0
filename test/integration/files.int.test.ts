/** Files beside the terminal: read, replaced under a condition, watched, by whoever may type, under their name. */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import type { ClientBody } from "@holdfast/protocol";
import { type Files, InputStatus } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { RawLink } from "./world/raw-link.ts";
import { record, refusal, world } from "./world/world.ts";

const sha = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

async function whole(files: Files, path: string, options = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await files.read(path, (part) => void parts.push(Uint8Array.from(part)), options);
  return Buffer.concat(parts);
}

test("a file is read and replaced whole from the session's directory of now, and its journal says who did", async () => {
  const w = await world();
  const admin = await w.connect();
  const ana = await w.operator("ana");
  const session = await w.open(admin, { command: ["bash", "--norc"] });
  mkdirSync(w.path("below"));
  await admin.send(session.id, Buffer.from(`cd ${w.path("below")}\r`));
  const files = ana.files(session.id);
  await fact("the shell is there", async () => (await files.list()).path === w.path("below"));
  const big = randomBytes(11_000_000);
  const wrote = await files.write("big", big, { mode: 0o640 });
  expect({ ...wrote, sha256: Buffer.from(wrote.sha256) }).toEqual({
    path: w.path("below/big"),
    size: big.length,
    sha256: sha(big),
  });
  expect(statSync(w.path("below/big")).mode & 0o777).toBe(0o640);
  expect(sha(await whole(files, "big"))).toEqual(sha(big));
  expect(await whole(files, "big", { offset: 10_999_990, maxBytes: 5 })).toEqual(big.subarray(10_999_990, 10_999_995));
  expect(await whole(files, "big", { offset: 10_999_990 })).toEqual(big.subarray(10_999_990));
  writeFileSync(w.path("below/empty"), "");
  expect(await whole(files, "empty")).toHaveLength(0);
  expect((await files.list()).entries.map((e) => [e.name, e.kind, e.size])).toEqual([
    ["big", "file", big.length],
    ["empty", "file", 0],
  ]);
  const used = (await record(admin, session.id)).events.flatMap((e) =>
    e.body?.kind.case === "fileUsed" ? [[e.actor, e.body.kind.value.op, e.body.kind.value.path]] : [],
  );
  expect(used.slice(0, 2)).toEqual([
    ["ana", "write", w.path("below/big")],
    ["ana", "read", w.path("below/big")],
  ]);
});

test("who writes over what another has written meanwhile is told so, and nothing is left behind", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const files = admin.files(session.id);
  const first = await files.write("config", Buffer.from("one"), { ifSha256: null });
  expect(await refusal(files.write("config", Buffer.from("mine"), { ifSha256: null }))).toBe("file_changed");
  writeFileSync(w.path("config"), "theirs");
  expect(await refusal(files.write("config", Buffer.from("two"), { ifSha256: first.sha256 }))).toBe("file_changed");
  expect(readFileSync(w.path("config"), "utf8")).toBe("theirs");
  const now = await files.hash("config");
  await files.write("config", Buffer.from("two"), { ifSha256: now.sha256 });
  expect(readFileSync(w.path("config"), "utf8")).toBe("two");
  const failing = (async function* () {
    yield Buffer.from("half");
    throw new Error("the source failed");
  })();
  await expect(files.write("config", failing)).rejects.toThrow("the source failed");
  expect(readFileSync(w.path("config"), "utf8")).toBe("two");
  await files.write("a/b/c", Buffer.from("deep"), { folders: true });
  expect(readFileSync(w.path("a/b/c"), "utf8")).toBe("deep");
  expect(readdirSync(w.path("a/b"))).toEqual(["c"]);
});

test("a link is followed when it is written through, modes stay, and names that are no UTF-8 are names", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const files = admin.files(session.id);
  writeFileSync(w.path("script"), "#!/bin/sh\n");
  chmodSync(w.path("script"), 0o755);
  symlinkSync("script", w.path("link"));
  await files.write("link", Buffer.from("#!/bin/bash\n"));
  expect(readFileSync(w.path("script"), "utf8")).toBe("#!/bin/bash\n");
  expect(statSync(w.path("script")).mode & 0o777).toBe(0o755);
  const odd = Buffer.concat([Buffer.from(w.path("odd-")), Buffer.from([0xff, 0xfe])]);
  writeFileSync(odd, "odd");
  const { entries } = await files.list(w.path(""));
  expect(entries.find((e) => e.kind === "link")).toMatchObject({ name: "link", target: "script" });
  const found = entries.find((e) => e.name.startsWith("odd-"))!;
  expect((await whole(files, found.name)).toString()).toBe("odd");
  await files.write(found.name, Buffer.from("even"));
  expect(readFileSync(odd, "utf8")).toBe("even");
});

test("what can't be done says why: no such file, a folder, an observer, a paused AI, an ended session's own folder", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const files = admin.files(session.id);
  expect(await refusal(files.list("nowhere"))).toBe("no_such_file");
  expect(await refusal(whole(files, "nowhere"))).toBe("no_such_file");
  expect(await refusal(whole(files, "."))).toBe("file_failed");
  expect(await refusal(whole(files, "/dev/zero"))).toBe("file_failed");
  expect(await refusal(files.write(".", Buffer.from("x")))).toBe("file_failed");
  expect(await refusal(files.write("no/such/folder/x", Buffer.from("x")))).toBe("no_such_file");
  expect(await refusal(files.list("a\0b"))).toBe("bad_request");
  const observer = await w.operator("eve", "human", "observer");
  expect(await refusal(observer.files(session.id).list())).toBe("not_permitted");
  const bot = await w.operator("bot", "ai");
  await bot.files(session.id).list();
  await admin.floor(session.id, "ai_pause");
  expect(await refusal(bot.files(session.id).list())).toBe("ai_paused");
  await admin.kill(session.id, 0);
  expect(await refusal(files.list())).toBe("session_ended");
  expect((await files.list(w.path(""))).path).toBe(w.path("").replace(/\/$/, ""));
  expect(existsSync(w.path("x"))).toBe(false);
});

test("a pipe that nobody writes holds up nothing: not one of many readings, nor the journal", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec cat" });
  const files = admin.files(session.id);
  execFileSync("mkfifo", [w.path("pipe")]);
  const refusals = Array.from({ length: 8 }, async () => refusal(whole(files, "pipe")));
  expect(new Set(await Promise.all(refusals))).toEqual(new Set(["file_failed"]));
  const attachment = await admin.attach({ session: session.id }, {});
  expect((await attachment.input(Buffer.from("x\r"), { durable: true })).status).toBe(InputStatus.APPLIED);
});

test("a folder of ten thousand long names is listed whole, and what goes beyond is counted", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const files = admin.files(session.id);
  mkdirSync(w.path("many"));
  const name = (n: number): string => `${"n".repeat(230)}${String(n).padStart(6, "0")}`;
  for (let n = 0; n < 10_007; n++) writeFileSync(w.path(`many/${name(n)}`), "");
  const { entries, omitted } = await files.list("many");
  expect(omitted).toBe(7);
  expect(entries.map((e) => e.name)).toEqual(Array.from({ length: 10_000 }, (_, n) => name(n)));
});

test("parts of one file are written to the place that the first one named, one after the other", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const link = await RawLink.login(w.home, w.keyOf(admin.operator.operator!.id));
  const part = (id: bigint, path: string, data: string, last: boolean): ClientBody => {
    const value = { session: session.id, path: Buffer.from(path), data: Buffer.from(data), upload: "u", last };
    return { case: "call", value: { id, verb: { case: "fileWrite", value } } };
  };
  const answer = async (): Promise<string | undefined> => {
    const { result } = await link.next("answer");
    return result?.case === "error" ? result.value.code : result?.case;
  };
  link.sendTogether([part(1n, "first", "one ", false), part(2n, "first", "too early", false)]);
  expect([await answer(), await answer()].sort()).toEqual(["bad_request", "fileWrite"]);
  link.send(part(3n, "second", "two", true));
  expect(await answer()).toBe("fileWrite");
  expect(readFileSync(w.path("first"), "utf8")).toBe("one two");
  expect(existsSync(w.path("second"))).toBe(false);
});

test("a file whose beginning was dropped is not replaced by its end", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  writeFileSync(w.path("kept"), "as it was");
  const key = w.keyOf(admin.operator.operator!.id);
  const part = async (link: RawLink, offset: bigint, data: string, last: boolean): Promise<string | undefined> => {
    const value = { session: session.id, path: Buffer.from("kept"), data: Buffer.from(data), upload: "u", offset, last };
    link.send({ case: "call", value: { id: offset + 1n, verb: { case: "fileWrite", value } } });
    const { result } = await link.next("answer");
    return result?.case === "error" ? result.value.code : result?.case;
  };
  expect(await part(await RawLink.login(w.home, key), 0n, "one ", false)).toBe("fileWrite");
  // As after a link that broke: what was begun is another link's, and here there is none.
  const another = await RawLink.login(w.home, key);
  expect(await part(another, 4n, "two", true)).toBe("file_changed");
  expect(readFileSync(w.path("kept"), "utf8")).toBe("as it was");
  expect(await part(another, 0n, "one ", false)).toBe("fileWrite");
  expect(await part(another, 4n, "two", true)).toBe("fileWrite");
  expect(readFileSync(w.path("kept"), "utf8")).toBe("one two");
});

test("a change in a watched folder is told, until the watcher gives up", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { script: "exec sleep 1000" });
  const seen: string[] = [];
  const giving = new AbortController();
  const watching = admin.files(session.id).watch(".", (c) => void seen.push(`${c.change} ${c.path}`), giving.signal);
  await fact("it is watched", () => seen.length === 1);
  writeFileSync(w.path("new"), "x");
  await fact("it is told", () => seen.includes(`renamed ${w.path("new")}`));
  // A file that is replaced whole is told as that: what it was written to meanwhile is nobody's.
  await admin.files(session.id).write("whole", Buffer.from("y"));
  await fact("that is told too", () => seen.includes(`renamed ${w.path("whole")}`));
  expect(seen.filter((said) => said.includes("whole"))).toEqual([`renamed ${w.path("whole")}`]);
  giving.abort();
  await watching;
});
