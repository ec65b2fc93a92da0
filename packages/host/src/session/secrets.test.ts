import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usualSecretNames } from "@holdfast/core";
import { expect, onTestFinished, test } from "vitest";
import type { Entry } from "../journal/journal.ts";
import type { ReadItem } from "./book.ts";
import { MaskedRecords, maskedScreen } from "./masked-records.ts";
import { kinds } from "./record.ts";
import { Secrets } from "./secrets.ts";

const known = (...environs: string[]): Secrets => {
  const secrets = new Secrets();
  for (const environ of environs) secrets.learn(Buffer.from(environ));
  return secrets;
};
const record = (seq: number, text: string, kind: number = kinds.output, stream = 0): ReadItem => ({
  entry: { seq, kind, stream, payload: Buffer.from(text), payloadBytes: text.length } as unknown as Entry,
  body: null,
});
const range =
  (items: readonly ReadItem[]) =>
  (from: number, to: number): ReadItem[] =>
    items.filter((i) => "gap" in i || (i.entry.seq >= from && i.entry.seq <= to));
const given = (shown: readonly { item: ReadItem; bytes: Uint8Array; masked: number }[]): [number, string, number][] =>
  shown.map(({ item, bytes, masked }) => ["gap" in item ? 0 : item.entry.seq, Buffer.from(bytes).toString(), masked]);

test("values of the variables that are named are known, in whatever letters the name is, and others are not", () => {
  const secrets = known("HOME=/home/anastasia\0npm_config_auth_token=abcdefgh1\0DB_PASSWORD=correct horse\0API_KEY=short");
  expect(secrets.text("in /home/anastasia: abcdefgh1, correct horse, short")).toBe(
    "in /home/anastasia: *********, ******* *****, short",
  );
});

test("what was learnt stays known, and what the policy names counts at once", () => {
  const secrets = known("OLD_TOKEN=abcdefgh1", "OLD_TOKEN=abcdefgh2");
  expect(secrets.text("abcdefgh1 abcdefgh2")).toBe("********* *********");
  secrets.names = () => [];
  expect([secrets.matcher, secrets.text("abcdefgh1")]).toEqual([null, "abcdefgh1"]);
  secrets.names = () => usualSecretNames;
  expect(secrets.text("abcdefgh1")).toBe("*********");
});

test("when there are more values than are looked for, those that were learnt last are masked, and one that is learnt again is among them", () => {
  const value = (n: number): string =>
    Array.from({ length: 16 }, (_, i) => createHash("sha256").update(`${n} ${i}`).digest("hex")).join("");
  const secrets = known(...Array.from({ length: 20 }, (_, n) => `A_TOKEN=${value(n)}`), `A_TOKEN=${value(0)}`);
  expect(secrets.text(value(19))).toBe("*".repeat(1024));
  expect(secrets.text(value(0))).toBe("*".repeat(1024));
  expect(secrets.text(value(1))).toBe(value(1));
});

test("a file that could not be read is read the next time, though it is as old", () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-secrets-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "environment");
  const secrets = known();
  mkdirSync(path);
  utimesSync(path, 1, 1);
  secrets.learnFile(path);
  rmSync(path, { recursive: true });
  writeFileSync(path, "A_TOKEN=abcdefgh1\0");
  utimesSync(path, 1, 1);
  secrets.learnFile(path);
  expect(secrets.text("abcdefgh1")).toBe("*********");
});

test("a file is read when it is another one, and what is not there teaches nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-secrets-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "environment");
  const secrets = known();
  secrets.learnFile(path);
  writeFileSync(path, "A_TOKEN=abcdefgh1\0");
  secrets.learnFile(path);
  writeFileSync(path, "A_TOKEN=abcdefgh2\0");
  utimesSync(path, 1, 1);
  secrets.learnFile(path);
  expect(secrets.text("abcdefgh1 abcdefgh2")).toBe("********* *********");
});

test("every text of an answer is masked, and no bytes and numbers", () => {
  const secrets = known("A_TOKEN=abcdefgh1");
  const data = Buffer.from("abcdefgh1");
  expect(secrets.inside({ command: ["x", "abcdefgh1"], exit: { code: 1n, at: null }, data })).toEqual({
    ...{ command: ["x", "*********"], exit: { code: 1n, at: null }, data },
  });
});

test("records go out in order, each whole, and wait while a secret may be beginning", () => {
  const records = MaskedRecords.before(1, known("A_TOKEN=abcdefgh1"), () => [])!;
  expect(given(records.take(record(1, "so ab")))).toEqual([]);
  expect(given(records.take(record(2, "typed", kinds.input)))).toEqual([]);
  expect(given(records.take(record(3, "", kinds.floorChanged)))).toEqual([]);
  expect(given(records.take(record(4, "cdefgh1!")))).toEqual([
    [1, "so **", 2],
    [2, "typed", 0],
    [3, "", 0],
    [4, "*******!", 7],
  ]);
  expect(given(records.take(record(5, "so abc")))).toEqual([]);
  expect(given(records.rest())).toEqual([[5, "so abc", 0]]);
  expect(given(records.take(record(6, "de")))).toEqual([]);
  expect(given(records.rest())).toEqual([[6, "**", 2]]);
});

test("the streams of a job, and what is typed, are secrets of their own; the end of one decides", () => {
  const records = MaskedRecords.before(1, known("A_TOKEN=abcdefgh1"), () => [])!;
  records.take(record(1, "abcde", kinds.output, 1));
  records.take(record(2, "fgh1", kinds.output, 2));
  records.take(record(3, "abcdefg", kinds.input));
  expect(given(records.take(record(4, "", kinds.closed)))).toEqual([
    [1, "*****", 5],
    [2, "fgh1", 0],
    [3, "*******", 7],
    [4, "", 0],
  ]);
});

test("who begins in the middle of a secret is shown no more of it, and a screen nothing of what is half printed", () => {
  const secrets = known("A_TOKEN=abcdefgh1");
  const all = [record(1, "x abcd"), record(2, "ef"), record(3, "gh1 y")];
  expect(given(MaskedRecords.before(3, secrets, range(all))!.take(all[2]!))).toEqual([[3, "*** y", 3]]);
  const screen = Buffer.from("x abcdef_\nbelow");
  expect(Buffer.from(maskedScreen(screen, 2, secrets, range(all))).toString()).toBe("x ******_\nbelow");
});

test("bytes that were redacted end what may have been a beginning", () => {
  const records = MaskedRecords.before(1, known("A_TOKEN=abcdefgh1"), () => [])!;
  records.take(record(1, "abc"));
  const gone = record(2, "defgh") as Exclude<ReadItem, { gap: true }>;
  expect(given(records.take(gone, new Uint8Array(0)))).toEqual([
    [1, "abc", 0],
    [2, "", 0],
  ]);
  expect(given(records.take(record(3, "defgh1")))).toEqual([[3, "defgh1", 0]]);
});
