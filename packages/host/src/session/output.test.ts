import { expect, test } from "vitest";
import { Output, type OutputWorld } from "./output.ts";

const MIB = 1024 * 1024;

/** Output of a session whose terminal model never parses. */
function scene() {
  const facts = { ends: [0, 0, 0] };
  const screen = {
    isOpen: true,
    get unparsedBytes() {
      return facts.ends[0]!;
    },
    parsed() {},
    lost() {
      screen.isOpen = false;
    },
  };
  let acksAsked = 0;
  const world = {
    book: {
      facts,
      lastLsn: 0,
      record: (_by: unknown, _body: unknown, bytes: Uint8Array) => void (facts.ends[0]! += bytes.length),
    },
    line: { link: null, ackSoon: () => void acksAsked++ },
    ports: { clock: { monoMs: () => 0 }, journal: { durableLsn: 0, unsyncedBytes: 0 } },
    commands: { output: () => [] },
    readers: { eventBytes: MIB, hasSlow: false, outputCame() {} },
    sizing: { cutAt: (_offset: number, take: number) => take, place() {} },
    screen,
  };
  const output = new Output(world as unknown as OutputWorld);
  const comes = (mib: number): void => {
    for (let n = 0; n < mib; n++) output.came(0, facts.ends[0]!, 0n, new Uint8Array(MIB));
  };
  return { output, screen, comes, acksAsked: () => acksAsked };
}

test("a program that waits for its terminal model goes on when the model's worker dies and nobody needs another", () => {
  const { output, comes, acksAsked } = scene();
  comes(33);
  expect(output.mayBeAcknowledged).toBe(false);
  const before = acksAsked();
  output.modelsLost();
  expect(output.mayBeAcknowledged).toBe(true);
  expect(acksAsked()).toBe(before + 1);
});

test("it goes on waiting if its model is made anew at once", () => {
  const { output, screen, comes } = scene();
  screen.lost = () => {};
  comes(33);
  output.modelsLost();
  expect(output.mayBeAcknowledged).toBe(false);
});
