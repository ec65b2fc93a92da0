/** Files through MCP: read in pieces, written under the hash that was read, refused where somebody was faster. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { record, world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("a text is read in pieces of whole characters, changed, and written back; the record says by whom", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const person = await w.connect();
  const { id: session } = await w.open(person, { command: ["cat"] });
  mkdirSync(w.path("src"));
  const text = `${"größer – 日本 ".repeat(700)}\nend\n`;
  writeFileSync(w.path("src/a.txt"), text);
  expect((await ai.call("file_list", { session, path: "src" })).told["entries"]).toMatchObject([
    { name: "a.txt", kind: "file", size: Buffer.byteLength(text) },
  ]);
  let read = "";
  let hash = "";
  for (let offset: number | null = 0; offset !== null; ) {
    const piece = (await ai.call("file_read", { session, path: "src/a.txt", offset, max_bytes: 4_000 })).told;
    expect(piece).toMatchObject({ is_text: true, is_exact: true, content: { untrusted: true } });
    read += piece["content"].text as string;
    hash = piece["sha256"] as string;
    offset = piece["next_offset"] as number | null;
  }
  expect(read).toBe(text);
  expect(hash).toBe(sha256(text));
  const written = (await ai.call("file_write", { session, path: "src/a.txt", text: "new\n", if_sha256: hash })).told;
  expect(written).toMatchObject({ size: 4, sha256: sha256("new\n") });
  expect(readFileSync(w.path("src/a.txt"), "utf8")).toBe("new\n");
  const { events } = await record(person, session);
  const used = events.filter((e) => e.body?.kind.case === "fileUsed");
  expect(new Set(used.map((e) => `${e.actor} ${e.via}`))).toEqual(
    new Set([`${String((await ai.call("whoami")).told["operator"])} mcp`]),
  );
});

test("what somebody changed meanwhile is not overwritten, and what must not be there is not replaced", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const { id: session } = await w.open(await w.connect(), { command: ["cat"] });
  writeFileSync(w.path("a"), "one");
  const { sha256: hash } = (await ai.call("file_read", { session, path: "a" })).told;
  writeFileSync(w.path("a"), "two, by somebody else");
  for (const if_sha256 of [hash, "none"]) {
    const refused = await ai.call("file_write", { session, path: "a", text: "three", if_sha256 });
    expect([refused.isError, refused.told["code"]]).toEqual([true, "file_changed"]);
  }
  expect((await ai.call("file_write", { session, path: "a", text: "x", if_sha256: "short" })).told["code"]).toBe("bad_request");
  expect((await ai.call("file_read", { session, path: "none" })).told["code"]).toBe("no_such_file");
  expect(readFileSync(w.path("a"), "utf8")).toBe("two, by somebody else");
});

test("what can't be told to the letter says so, and the largest piece fits into a result", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const { id: session } = await w.open(await w.connect(), { command: ["cat"] });
  writeFileSync(w.path("hostile"), "plain \x1b]0;title\x07 and \u202e back\n".repeat(2_000));
  const hostile = await ai.call("file_read", { session, path: "hostile", max_bytes: 12_288 });
  expect(hostile.told).toMatchObject({ is_text: true, is_exact: false });
  expect(hostile.told["content"].text).not.toMatch(/[\x1b\u202e]/);
  expect(Buffer.byteLength(JSON.stringify(hostile.told))).toBeLessThan(32 * 1024);
  expect(hostile.told["next_offset"]).toBeGreaterThan(0);
  writeFileSync(w.path("binary"), Buffer.from([0xff, 0xfe, 0, 1]));
  expect((await ai.call("file_read", { session, path: "binary" })).told).toMatchObject({ is_text: false });
});
