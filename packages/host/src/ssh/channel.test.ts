import { EventEmitter } from "node:events";
import type { Session as SshSession } from "ssh2";
import { expect, test } from "vitest";
import { type ChannelWork, type ChannelWorld, plain, SessionChannel, type TerminalSize } from "./channel.ts";

function scene() {
  const timers: (() => void)[] = [];
  const works: ChannelWork[] = [];
  const world = {
    later: (_ms: number, run: () => void) => {
      timers.push(run);
      return () => {};
    },
    works: {
      shell: (work: ChannelWork) => {
        works.push(work);
        return new Promise(() => {});
      },
    },
  } as unknown as ChannelWorld;
  const session = new EventEmitter();
  const channel = new SessionChannel(world, session as SshSession);
  const changes = (cols: number, rows: number): boolean => session.emit("window-change", undefined, undefined, { cols, rows });
  session.emit("pty", undefined, undefined, { term: "xterm", cols: 80, rows: 24 });
  session.emit("shell", () => Object.assign(new EventEmitter(), { resume: () => {} }));
  const sizes: TerminalSize[] = [];
  const [work] = works as [ChannelWork];
  work.onResize = (size) => void sizes.push(size);
  const tick = (): void => {
    for (const run of timers.splice(0)) run();
  };
  return { channel, session, changes, sizes, work, tick };
}

test("of sizes that come faster than anybody could see, the first and the newest count", () => {
  const { changes, sizes, tick } = scene();
  for (let cols = 10; cols < 500; cols++) changes(cols, 20);
  expect(sizes).toEqual([{ cols: 10, rows: 20 }]);
  tick();
  expect(sizes.at(-1)).toEqual({ cols: 499, rows: 20 });
  tick();
  expect(sizes).toHaveLength(2);
  changes(60, 20);
  expect(sizes.at(-1)).toEqual({ cols: 60, rows: 20 });
});

test("a size that no terminal has is none", () => {
  const { changes, sizes, work } = scene();
  for (const [cols, rows] of [
    [0, 0],
    [0, 24],
    [65_535, 65_535],
    [80, 501],
  ])
    changes(cols!, rows!);
  expect(sizes).toEqual([]);
  expect(work.terminal).toEqual({ term: "xterm", size: { cols: 80, rows: 24 } });
});

test("a work whose client left before it had begun to listen can see that", () => {
  const { session, work } = scene();
  expect(work.hasLeft).toBe(false);
  session.emit("close");
  expect(work.hasLeft).toBe(true);
});

test("others' text has no controls on somebody's terminal", () => {
  expect(plain("a\x1b]0;title\x07b\nc\x9b31m")).toBe("a\ufffd]0;title\ufffdb\ufffdc\ufffd31m");
});
