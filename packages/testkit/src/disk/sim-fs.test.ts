/** The simulated disk keeps its own laws (D1 to D4): a wrong one would make every crash test pass for nothing. */
import { expect, test } from "vitest";
import { CRASH_STYLES, crashImage } from "./crash.ts";
import { SimFS } from "./sim-fs.ts";

const none = CRASH_STYLES[0]!;
const all = CRASH_STYLES[1]!;
const text = (disk: SimFS, path: string): string => Buffer.from(disk.contents(path)).toString();

function withFile(): { disk: SimFS; file: ReturnType<SimFS["open"]> } {
  const disk = new SimFS();
  disk.mkdir("/a");
  return { disk, file: disk.open("/a/f", "create-new") };
}

test("a file whose folder was not synced is gone after a power cut, its own sync notwithstanding", async () => {
  const { disk, file } = withFile();
  file.write(Buffer.from("hello"), 0);
  await file.sync();
  expect(crashImage(disk, none, 1).exists("/a/f")).toBe(false);
  await disk.syncFolder("/a");
  expect(text(crashImage(disk, none, 1), "/a/f")).toBe("hello");
});

test("what was written after a sync began is not covered by it", async () => {
  const { disk, file } = withFile();
  disk.syncFolderNow("/a");
  file.write(Buffer.from("one"), 0);
  const sync = file.sync();
  file.write(Buffer.from("two"), 3);
  await sync;
  expect(text(crashImage(disk, none, 1), "/a/f")).toBe("one");
  expect(text(crashImage(disk, all, 1), "/a/f")).toBe("onetwo");
});

test("written bytes are the disk's own: the caller's buffer may be used again", () => {
  const { disk, file } = withFile();
  const bytes = Buffer.from("one");
  file.write(bytes, 0);
  bytes.write("two");
  expect(text(crashImage(disk, all, 1), "/a/f")).toBe("one");
});

test("a failed sync loses what it should have kept, and the next one does not bring it back", async () => {
  const { disk, file } = withFile();
  disk.syncFolderNow("/a");
  file.write(Buffer.from("lost"), 0);
  disk.fault = { at: disk.trace.length + 1, fault: "EIO", sticky: false };
  await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
  await file.sync();
  expect(text(disk, "/a/f")).toBe("lost");
  expect(text(crashImage(disk, all, 1), "/a/f")).toBe("");
});

test("torn images keep sectors, not bytes", () => {
  const { disk, file } = withFile();
  disk.syncFolderNow("/a");
  file.write(Buffer.alloc(4096, 1), 0);
  for (let seed = 0; seed < 50; seed++) {
    const bytes = crashImage(disk, { keep: "random", sectorBytes: 512 }, seed).contents("/a/f");
    for (let at = 0; at < bytes.length; at += 512) expect(new Set(bytes.subarray(at, at + 512)).size).toBe(1);
  }
});

test("a full disk takes what fits, says so only at the next write", () => {
  const { disk, file } = withFile();
  disk.capacityBytes = 10;
  expect(file.write(Buffer.alloc(16), 0)).toBe(10);
  expect(() => file.write(Buffer.alloc(6), 10)).toThrow(/ENOSPC/);
});

test("a name that was given to another file after a rename out of its folder is that file's, whenever the rename reaches the disk", () => {
  const disk = new SimFS();
  for (const folder of ["/a", "/b"]) disk.mkdir(folder);
  disk.open("/a/name", "create-new").close();
  disk.syncFolderNow("/a");
  disk.rename("/a/name", "/b/old");
  disk.open("/a/name", "create-new").close();
  disk.syncFolderNow("/a");
  disk.syncFolderNow("/b");
  expect(crashImage(disk, { keep: "none", sectorBytes: 0 }, 1).list("/a")).toEqual(["name"]);
});
