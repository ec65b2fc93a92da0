import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, expect, test } from "vitest";
import { hashOf, PolicyStore } from "./store.ts";

function home(): { file: string; inForce: string; write(text: string, mode?: number): void } {
  const folder = mkdtempSync(join(tmpdir(), "hold-policy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "policy.toml");
  return {
    file,
    inForce: join(folder, "policy.json"),
    write(text, mode = 0o600) {
      rmSync(file, { force: true });
      writeFileSync(file, text);
      chmodSync(file, mode);
    },
  };
}

const strict = 'version = 1\n[ai]\nrun = "deny"\n';

test("without a file an AI may do what its role lets it; a file takes effect when it is loaded and not before", () => {
  const h = home();
  const store = PolicyStore.open(h);
  expect([store.policy.otherwise, store.compare(), store.notice()]).toEqual(["allow", "none", null]);
  h.write(strict);
  expect([store.policy.otherwise, store.compare()]).toEqual(["allow", "new"]);
  expect(store.notice()).toContain("hold policy reload");
  store.load("ana", 5);
  expect([store.policy.otherwise, store.compare(), store.notice()]).toEqual(["deny", "same", null]);
});

test("what was loaded holds over a restart, letter for letter, whatever became of the file", () => {
  const h = home();
  h.write(strict);
  PolicyStore.open(h).load("ana", 5);
  h.write("version = 1\n[ai]\notherwise = 'allow'\n");
  const again = PolicyStore.open(h);
  expect(again.inForce).toEqual({ text: strict, loadedBy: "ana", loadedUnixMs: 5 });
  expect([again.policy.everywhere.words.run, again.compare()]).toEqual(["deny", "changed"]);
  rmSync(h.file);
  expect([PolicyStore.open(h).policy.everywhere.words.run, again.compare()]).toEqual(["deny", "gone"]);
});

test("a file with something wrong in it is not loaded, and the old policy stays", () => {
  const h = home();
  h.write(strict);
  const store = PolicyStore.open(h);
  store.load("ana", 5);
  h.write("version = 1\n[ai]\nrun = 'perhaps'\n");
  expect(() => store.load("ana", 6)).toThrow(/not loaded.*run is "perhaps"/s);
  expect(store.inForce.text).toBe(strict);
});

test("a file that others may read or write, a link, a pipe and a missing one are no admin's word, and hold nobody up", () => {
  const h = home();
  const store = PolicyStore.open(h);
  expect(() => store.load("ana", 1)).toThrow(/there is no/);
  h.write(strict, 0o644);
  expect(() => store.load("ana", 1)).toThrow(/chmod 600/);
  rmSync(h.file);
  const elsewhere = `${h.file}.elsewhere`;
  writeFileSync(elsewhere, strict, { mode: 0o600 });
  symlinkSync(elsewhere, h.file);
  expect(() => store.load("ana", 1)).toThrow(/ELOOP/);
  rmSync(h.file);
  execFileSync("mkfifo", ["-m", "600", h.file]);
  expect(() => store.load("ana", 1)).toThrow(/no plain file/);
  expect(store.compare()).toBe("changed");
});

test("what was in force and can't be read any more lets AIs do nothing, and says so", () => {
  const h = home();
  writeFileSync(h.inForce, "{ torn");
  const store = PolicyStore.open(h);
  expect(store.policy.otherwise).toBe("deny");
  expect(store.notice()).toContain("AIs may do nothing");
  h.write(strict);
  store.load("ana", 1);
  expect(store.notice()).toBeNull();
});

test("a folder, a link or too much in the place of what was in force keeps no host from starting, and lets AIs do nothing", () => {
  const h = home();
  const elsewhere = `${h.inForce}.elsewhere`;
  writeFileSync(elsewhere, "{}");
  const places: readonly (() => void)[] = [
    () => mkdirSync(h.inForce),
    () => symlinkSync(elsewhere, h.inForce),
    () => writeFileSync(h.inForce, Buffer.alloc(2 * 1024 * 1024)),
  ];
  for (const stands of places) {
    stands();
    const store = PolicyStore.open(h);
    expect(store.policy.otherwise).toBe("deny");
    expect(store.notice()).toContain("AIs may do nothing");
    rmSync(h.inForce, { recursive: true });
  }
});

const loose = 'version = 1\n[ai]\notherwise = "allow"\n';
const nothing = new Uint8Array(0);

test("a text is saved over what was read: it is the file, its owner's alone, and in force, also after a restart", () => {
  const h = home();
  const store = PolicyStore.open(h);
  store.save(strict, { inForce: nothing, file: nothing }, "ana", 5);
  expect([readFileSync(h.file, "utf8"), statSync(h.file).mode & 0o777, store.compare()]).toEqual([strict, 0o600, "same"]);
  expect(PolicyStore.open(h).inForce).toEqual({ text: strict, loadedUnixMs: 5, loadedBy: "ana" });
  const read = hashOf(strict);
  store.save(loose, { inForce: read, file: read }, "ben", 6);
  expect([store.policy.otherwise, store.inForce.loadedBy, store.fileText()]).toEqual(["allow", "ben", loose]);
});

test("nothing is saved over what its writer has not read, in force or in the file, nor what has something wrong in it", () => {
  const h = home();
  h.write(strict);
  const store = PolicyStore.open(h);
  store.load("ana", 5);
  const read = hashOf(strict);
  const code = (save: () => unknown): string => {
    try {
      save();
      return "saved";
    } catch (fault) {
      return (fault as { code: string }).code;
    }
  };
  expect(code(() => store.save(loose, { inForce: nothing, file: read }, "ben", 6))).toBe("file_changed");
  expect(code(() => store.save(loose, { inForce: read, file: nothing }, "ben", 6))).toBe("file_changed");
  expect(code(() => store.save("version = 2\n", { inForce: read, file: read }, "ben", 6))).toBe("bad_request");
  h.write(`${strict}# mine\n`);
  expect(code(() => store.save(loose, { inForce: read, file: read }, "ben", 6))).toBe("file_changed");
  h.write(strict, 0o644);
  expect(code(() => store.save(loose, { inForce: read, file: read }, "ben", 6))).toBe("not_permitted");
  expect([store.inForce.text, readFileSync(h.file, "utf8"), store.fileText()]).toEqual([strict, strict, null]);
});
