import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FileBook, hashOf } from "./book.ts";

const now = 1_000_000;
const hour = 3_600_000;
const none = new Uint8Array(0);
const id = (digit: string): string => digit.repeat(32);

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "hold-book-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "book.json");
}

function token(book: FileBook, of: { fleet?: string; name?: string; untilUnixMs?: number } = {}, at = now): Uint8Array {
  const made = randomBytes(32);
  book.invite(made, { fleet: "home", name: "", untilUnixMs: now + hour, ...of }, at);
  return made;
}

/** What becomes of a registration: the name, or the code of the refusal. */
function outcome(run: () => { readonly name: string }): string {
  try {
    return run().name;
  } catch (fault) {
    return `[${(fault as { code: string }).code}]`;
  }
}

test("a token lets one host in, once, within its time; a host that is known needs none", () => {
  const book = FileBook.open(null);
  const good = token(book);
  const late = token(book, { untilUnixMs: now + 1 });
  const register = (host: string, t: Uint8Array, at = now, name = `n${host[0]}`): string =>
    outcome(() => book.register(host, { name, token: t }, at));
  expect(register(id("1"), none)).toBe("[invitation_unknown]");
  expect(register(id("1"), randomBytes(32))).toBe("[invitation_unknown]");
  expect(register(id("1"), late, now + 1)).toBe("[invitation_unknown]");
  expect(register(id("1"), good)).toBe("n1");
  expect(register(id("2"), good)).toBe("[invitation_unknown]");
  expect(register(id("1"), none, now + 10 * hour, "other")).toBe("n1");
});

test("a name is one host's within its fleet, and another fleet's as well; a refused one leaves the token good", () => {
  const book = FileBook.open(null);
  const register = (host: string, t: Uint8Array, name: string): string =>
    outcome(() => book.register(host, { name, token: t }, now));
  expect(register(id("1"), token(book), "box")).toBe("box");
  const second = token(book);
  expect(register(id("2"), second, "box")).toBe("[name_taken]");
  expect(register(id("2"), second, "box2")).toBe("box2");
  expect(register(id("3"), token(book, { fleet: "lab" }), "box")).toBe("box");
  expect(register(id("4"), token(book, { name: "given" }), "wished")).toBe("given");
  expect(register(id("5"), token(book), "")).toBe(id("5"));
  for (const name of ["Box", "a b", "-a", "a/b", "x".repeat(64), "a\u001b[2J", "ü"])
    expect(register(id("6"), token(book), name)).toBe("[bad_request]");
});

test("nobody is called by another host's id, whether that one is here yet or not", () => {
  const book = FileBook.open(null);
  book.register(id("1"), { name: "box", token: token(book) }, now);
  for (const name of [id("1"), id("9")])
    expect(outcome(() => book.register(id("2"), { name, token: token(book) }, now))).toBe("[name_taken]");
});

test("what was revoked stays out, by whatever name it was meant, until that is undone", () => {
  const book = FileBook.open(null);
  book.register(id("1"), { name: "box", token: token(book) }, now);
  book.register(id("2"), { name: "box", token: token(book, { fleet: "lab" }) }, now);
  expect(() => book.revoke("box", false)).toThrow(/home\/box or lab\/box/);
  expect(() => book.revoke("nobody", false)).toThrow(/no host/);
  expect(book.revoke("lab/box", false)).toEqual({ kind: "host", id: id("2") });
  expect(outcome(() => book.register(id("2"), { name: "", token: token(book) }, now))).toBe("[revoked]");
  expect(outcome(() => book.register(id("1"), { name: "", token: none }, now))).toBe("box");
  book.revoke(id("2"), true);
  expect(outcome(() => book.register(id("2"), { name: "", token: none }, now))).toBe("box");
  const key = "ab".repeat(32);
  expect(book.revoke(key, false)).toEqual({ kind: "key", id: key });
  book.revoke(key, false);
  expect([book.isRevokedKey(key), book.revokedKeys]).toEqual([true, [key]]);
  book.revoke(key, true);
  expect(book.isRevokedKey(key)).toBe(false);
});

test("the file is whole at any time, its owner's alone, and holds no token", () => {
  const path = place();
  const book = FileBook.open(path);
  const [used, open] = [token(book), token(book)];
  book.register(id("1"), { name: "box", token: used }, now);
  book.revoke("box", false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, ".."))).toEqual(["book.json"]);
  const text = readFileSync(path, "utf8");
  for (const t of [used, open]) {
    const forms = [Buffer.from(t).toString("hex"), Buffer.from(t).toString("base64"), Buffer.from(t).toString("base64url")];
    for (const form of forms) expect(text).not.toContain(form);
  }
  expect(text).toContain(hashOf(open));
  const again = FileBook.open(path);
  expect([...again.hosts]).toEqual([{ id: id("1"), name: "box", fleet: "home", joinedUnixMs: now, isRevoked: true }]);
  again.revoke("box", true);
  expect(outcome(() => again.register(id("1"), { name: "", token: none }, now))).toBe("box");
  expect(outcome(() => again.register(id("2"), { name: "new", token: open }, now))).toBe("new");
  expect(outcome(() => FileBook.open(path).register(id("3"), { name: "more", token: open }, now))).toBe("[invitation_unknown]");
});

test("a book that can't be written takes nobody in, and is as it was", () => {
  const path = place();
  const book = FileBook.open(path);
  const good = token(book);
  rmSync(join(path, ".."), { recursive: true });
  expect(() => book.register(id("1"), { name: "box", token: good }, now)).toThrow(/ENOENT/);
  expect(book.host(id("1"))).toBeNull();
  const folder = join(path, "..");
  writeFileSync(folder, "");
  rmSync(folder);
  onTestFinished(() => writeFileSync(folder, ""));
});

test("a file that is none of ours is told of, and not written over", () => {
  const path = place();
  for (const text of ["", "{", "[]", '{"hosts":[]}', '{"hosts":{},"tokens":[],"revokedKeys":[]}', "null"]) {
    writeFileSync(path, text);
    expect(() => FileBook.open(path), text).toThrow(/can't be read/);
    expect(readFileSync(path, "utf8")).toBe(text);
  }
});

test("so many tokens are open at once and no more; those whose time is over do not count", () => {
  const book = FileBook.open(null);
  for (let i = 0; i < 1_024; i++) token(book);
  expect(() => token(book)).toThrow(/1024 tokens/);
  token(book, { untilUnixMs: now + 3 * hour }, now + 2 * hour);
});
