import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldError } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import type { Listener } from "../listen/index.ts";
import { Console } from "./console.ts";

interface Scene {
  readonly path: string;
  /** Ports that others have. */
  readonly taken: Set<number>;
  readonly opened: number[];
  readonly told: (string | null)[];
  readonly notices: string[];
  readonly life: () => Console;
}

function scene(): Scene {
  const folder = mkdtempSync(join(tmpdir(), "hold-console-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const made: Omit<Scene, "life"> = { path: join(folder, "console.port"), taken: new Set(), opened: [], told: [], notices: [] };
  const listen = async (port: number): Promise<Listener> => {
    if (made.taken.has(port)) throw new HoldError("start_failed", `${port} is taken`);
    const at = port === 0 ? 40_001 : port;
    made.opened.push(at);
    return { url: `ws://127.0.0.1:${at}`, close: async () => {} } as unknown as Listener;
  };
  return {
    ...made,
    life: () =>
      new Console({
        path: made.path,
        listen,
        log: () => {},
        notice: (text) => void made.notices.push(text),
        told: (url) => void made.told.push(url),
      }),
  };
}

test("a host that was never asked for its page listens on nothing, in no life", async () => {
  const { life, opened } = scene();
  await life().restore();
  expect(opened).toEqual([]);
});

test("a page that was opened is opened again where it was, by the next life, until it is closed", async () => {
  const { life, opened, taken, path, told } = scene();
  taken.add(7434);
  const first = life();
  expect(await first.open()).toBe("http://127.0.0.1:40001");
  expect(readFileSync(path, "utf8")).toBe("40001\n");
  taken.clear();
  const second = life();
  await second.restore();
  expect(second.url).toBe("http://127.0.0.1:40001");
  await second.close();
  expect(existsSync(path)).toBe(false);
  await life().restore();
  expect(opened).toEqual([40_001, 40_001]);
  expect(told).toEqual(["http://127.0.0.1:40001", "http://127.0.0.1:40001", null]);
});

test("two who open it at once find one page", async () => {
  const { life, opened } = scene();
  const console = life();
  expect(await Promise.all([console.open(), console.open()])).toEqual(["http://127.0.0.1:7434", "http://127.0.0.1:7434"]);
  expect(opened).toEqual([7434]);
});

test("a port that somebody else has taken meanwhile is told by the next life, and another is taken by who asks for the console", async () => {
  const { life, taken, path, notices } = scene();
  await life().open();
  taken.add(7434);
  const second = life();
  await second.restore();
  expect([second.url, readFileSync(path, "utf8")]).toEqual([null, "7434\n"]);
  expect(notices).toEqual([expect.stringContaining("7434 is taken; hold console opens it again")]);
  expect(await life().open()).toBe("http://127.0.0.1:40001");
  expect(readFileSync(path, "utf8")).toBe("40001\n");
  const broken = new Console({
    path,
    listen: () => Promise.reject(new HoldError("unsupported", "no page")),
    log: () => {},
    notice: () => {},
    told: () => {},
  });
  await expect(broken.open()).rejects.toMatchObject({ code: "unsupported" });
  await broken.restore();
  expect(broken.url).toBeNull();
});
