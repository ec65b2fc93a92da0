/** Files to and from a session's machine, over links that break and commands that are killed. */
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { HostClient } from "@holdfast/sdk";
import { connect, type CopyOptions, copyHere, copyThere } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { Command } from "./world/command.ts";
import { fact } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { RelayProcess } from "./world/relay.ts";
import { record, refusal, type World, world } from "./world/world.ts";

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const MIB = 1024 * 1024;

interface Scene {
  readonly w: World;
  readonly admin: HostClient;
  readonly session: string;
  /** A folder of "this machine": the session's begins elsewhere. */
  readonly far: string;
}

async function scene(): Promise<Scene> {
  const w = await world();
  const admin = await w.connect();
  const far = w.path("far");
  mkdirSync(far);
  const session = await w.open(admin, { name: "box", cwd: far, command: ["sleep", "1000"] });
  return { w, admin, session: session.id, far };
}

const parts = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".part"));

/** What was recorded of files. */
async function uses({ admin, session }: Scene): Promise<string[]> {
  return (await record(admin, session)).events.flatMap((e) => {
    if (e.body?.kind.case !== "fileUsed") return [];
    const { op, path, bytes } = e.body.kind.value;
    return [`${e.actor} ${op} ${path.split("/").at(-1)} ${bytes}`];
  });
}

test("64 MB go both ways over links that are cut again and again, and are whole, once in their place, with their mode", async () => {
  const s = await scene();
  const { w, session, far } = s;
  const content = randomBytes(64 * MIB);
  writeFileSync(w.path("big"), content, { mode: 0o751 });
  chmodSync(w.path("big"), 0o751);
  let left = 0;
  const proxy = await Proxy.start(w, "cp", { cutAfter: () => left });
  const over = async (budget: number): Promise<CopyOptions> => {
    left = budget;
    const client = await connect({ home: proxy.home });
    w.atEnd(() => client.close());
    return { files: client.files(session) };
  };
  const there = await copyThere(w.path("big"), "big", await over(20 * MIB));
  expect({ size: there.size, sha256: Buffer.from(there.sha256).toString("hex") }).toEqual({
    size: content.length,
    sha256: sha(content),
  });
  expect(proxy.cuts).toBeGreaterThanOrEqual(3);
  expect(sha(readFileSync(join(far, "big")))).toBe(sha(content));
  expect(statSync(join(far, "big")).mode & 0o777).toBe(0o751);
  expect(parts(far)).toEqual([]);
  // What the host sends is not counted by this proxy; it is cut from outside.
  const before = proxy.cuts;
  left = 1_000 * MIB;
  let cuts = 0;
  const here = await copyHere("big", w.path("back"), {
    ...(await over(1_000 * MIB)),
    progress: (done) => {
      if (done > (cuts + 1) * 16 * MIB && cuts < 3) {
        cuts++;
        proxy.cutAll();
      }
    },
  });
  expect(cuts).toBe(3);
  expect(proxy.cuts).toBe(before);
  expect(here.resumedAt).toBe(0);
  expect(sha(readFileSync(w.path("back")))).toBe(sha(content));
  expect(statSync(w.path("back")).mode & 0o777).toBe(0o751);
  expect(parts(w.files)).toEqual([]);
  const me = s.admin.operator.operator!.id;
  expect(await uses(s)).toEqual([`${me} write big ${content.length}`, `${me} read big ${content.length}`]);
});

test("a copy whose command is killed goes on where it was when it is given again, through a relay too, and from the beginning if what was kept is another's", async () => {
  const s = await scene();
  const { w, admin, far } = s;
  const url = await (await RelayProcess.start(w)).joinedBy(admin, "box");
  (await connect({ url, home: w.home, trust: "first" })).close();
  const cp = (...words: string[]): Command => Command.run(w, ["--host", url, "cp", "--json", ...words]);
  const content = randomBytes(32 * MIB);
  writeFileSync(w.path("big"), content);
  const size = (folder: string): number => {
    const [part] = parts(folder);
    return part === undefined ? 0 : statSync(join(folder, part)).size;
  };

  const up = cp("big", "box:");
  await fact("some of it is there", () => size(far) > 4 * MIB);
  up.kill();
  await up.code;
  const kept = size(far);
  expect(kept).toBeLessThan(content.length);
  expect(existsSync(join(far, "big"))).toBe(false);
  const told = JSON.parse(await cp("big", "box:").line()) as { resumedAt: number; bytes: number; sha256: string };
  expect(told).toMatchObject({ bytes: content.length, sha256: sha(content) });
  expect(told.resumedAt).toBeGreaterThanOrEqual(kept);
  expect(sha(readFileSync(join(far, "big")))).toBe(sha(content));

  const down = cp("box:big", "back");
  await fact("some of it is here", () => size(w.files) > 4 * MIB);
  down.kill();
  await down.code;
  const came = size(w.files);
  expect(JSON.parse(await cp("box:big", "back").line())).toMatchObject({ bytes: content.length, resumedAt: came });
  expect(sha(readFileSync(w.path("back")))).toBe(sha(content));

  // What was kept is damaged: nothing of it is used.
  const again = cp("box:big", "back2");
  await fact("some of it is here", () => size(w.files) > 4 * MIB);
  again.kill();
  await again.code;
  const part = w.path(parts(w.files)[0]!);
  truncateSync(part, 3 * MIB);
  writeFileSync(part, Buffer.concat([randomBytes(1), readFileSync(part).subarray(1)]));
  expect(JSON.parse(await cp("box:big", "back2").line())).toMatchObject({ bytes: content.length, resumedAt: 0 });
  expect(sha(readFileSync(w.path("back2")))).toBe(sha(content));
  expect([...parts(w.files), ...parts(far)]).toEqual([]);
});

test("what does not hash to what its sender has read is not put in its place, and nothing of it is kept", async () => {
  const { admin, session, far } = await scene();
  writeFileSync(join(far, "a"), "old");
  const files = admin.files(session);
  const options = { part: "0123456789abcdef", offset: 0 };
  const wrong = files.writeOn("a", Buffer.from("new"), { ...options, sha256: () => createHash("sha256").digest() });
  expect(await refusal(wrong)).toBe("file_damaged");
  expect(readFileSync(join(far, "a"), "utf8")).toBe("old");
  expect(readdirSync(far)).toEqual(["a"]);
  // More than is kept can't be gone on from; what is beyond is dropped.
  const right = { sha256: () => createHash("sha256").update("news").digest() };
  expect(await refusal(files.writeOn("a", Buffer.from("s"), { ...options, ...right, offset: 3 }))).toBe("file_changed");
  await refusal(files.writeOn("a", failing("newt"), { ...options, ...right }));
  expect(await files.kept("a", options.part)).toMatchObject({ size: 4 });
  await files.writeOn("a", Buffer.from("s"), { ...options, ...right, offset: 3 });
  expect(readFileSync(join(far, "a"), "utf8")).toBe("news");
  expect(await refusal(files.kept("a", "../../etc"))).toBe("bad_request");
});

async function* failing(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw Object.assign(new Error("the source failed"), { code: "source" });
}

test("an observer copies nothing, a paused AI neither, and each part of a file that is read past its beginning is somebody's reading", async () => {
  const s = await scene();
  const { w, admin, session, far } = s;
  writeFileSync(join(far, "a"), "content");
  const observer = await w.operator("oscar", "human", "observer");
  const to = (client: HostClient): CopyOptions => ({ files: client.files(session) });
  expect(await refusal(copyHere("a", w.path("a"), to(observer)))).toBe("not_permitted");
  expect(await refusal(copyThere(join(far, "a"), "b", to(observer)))).toBe("not_permitted");
  const ai = await w.operator("robo", "ai");
  await ai.files(session).read("a", () => {}, { offset: 3 });
  expect(await uses(s)).toEqual(["robo read a 7"]);
  await admin.floor(session, "ai_pause");
  expect(await refusal(copyHere("a", w.path("b"), to(ai)))).toBe("ai_paused");
  expect(await refusal(copyThere(join(far, "a"), "b", to(ai)))).toBe("ai_paused");
  expect(readdirSync(far)).toEqual(["a"]);
});

test("hold cp takes folders, streams and names as cp does, and tells what it leaves out", async () => {
  const { w, far } = await scene();
  const cp = async (words: string[], input?: Uint8Array): Promise<{ code: number | null; said: string }> => {
    const ran = Command.run(w, ["cp", ...words], input ? { input } : {});
    return { code: await ran.code, said: ran.said };
  };
  mkdirSync(w.path("site/deep/er"), { recursive: true });
  writeFileSync(w.path("site/index"), "index");
  writeFileSync(w.path("site/deep/er/run"), "#!/bin/sh", { mode: 0o755 });
  expect((await cp(["site", "box:"])).code).toBe(2);
  expect((await cp(["-r", "site", "box:"])).code).toBe(0);
  expect(readFileSync(join(far, "site/index"), "utf8")).toBe("index");
  expect(statSync(join(far, "site/deep/er/run")).mode & 0o777).toBe(0o755);
  symlinkSync("index", join(far, "site/link"));
  const back = await cp(["-r", "box:site", "copy"]);
  expect(back).toMatchObject({ code: 1, said: expect.stringMatching(/left out: .*site\/link/) });
  expect(readFileSync(w.path("copy/deep/er/run"), "utf8")).toBe("#!/bin/sh");
  expect((await cp(["box:site/index", "copy"])).code).toBe(0);
  expect(readFileSync(w.path("copy/index"), "utf8")).toBe("index");
  const stream = randomBytes(3_000_000);
  expect((await cp(["-", "box:stream"], stream)).code).toBe(0);
  expect(sha(readFileSync(join(far, "stream")))).toBe(sha(stream));
  writeFileSync(join(far, "text"), "one\ntwo\n");
  const out = Command.run(w, ["cp", "box:text", "-"]);
  expect([await out.line(), await out.line(), await out.code]).toEqual(["one", "two", 0]);
  expect((await cp(["box:none", "x"])).code).toBe(1);
  expect((await cp(["a", "b"])).code).toBe(2);
  expect((await cp(["box:a", "box:b"])).code).toBe(2);
  expect([...parts(w.files), ...parts(far)]).toEqual([]);
});
