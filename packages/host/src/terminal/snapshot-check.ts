/** How the snapshot tests make terminals and look at them once. */

import type { Terminal } from "@xterm/headless";
import * as headless from "@xterm/headless";
import { ScreenModel } from "./screen-model.ts";
import { type Serialized, serialize } from "./serialize.ts";
import { terminalState } from "./terminal-state.ts";
import { coreOf } from "./xterm-internals.ts";

export type Size = readonly [cols: number, rows: number];
const SCROLLBACK = 50;
const TerminalClass =
  (headless as unknown as { default: { Terminal: typeof Terminal } }).default?.Terminal ??
  (headless as { Terminal: typeof Terminal }).Terminal;

/** Queries of every kind that is answered; the replies are part of the state. */
export const battery: readonly string[] = [
  "\x1b[c",
  "\x1b[>c",
  "\x1b[=c",
  "\x1b[>q",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[14t",
  "\x1b[16t",
  "\x1b[18t",
  "\x1b[?u",
  ...[1, 6, 7, 12, 25, 45, 66, 69, 1000, 1002, 1003, 1004, 1006, 1007, 1016, 1049, 2004, 2026, 2027, 2031].map(
    (m) => `\x1b[?${m}$p`,
  ),
  "\x1b[4$p",
  "\x1b[20$p",
  ...["m", "r", '"q', " q"].map((s) => `\x1bP$q${s}\x1b\\`),
  "\x1b]4;1;?;200;?\x1b\\",
  "\x1b]10;?\x1b\\",
  "\x1b]11;?\x1b\\",
  "\x1b]12;?\x1b\\",
];

export function modelAfter(parts: readonly Uint8Array[], [cols, rows]: Size, replies?: string[]): ScreenModel {
  const model = new ScreenModel(
    cols,
    rows,
    { scrollback: SCROLLBACK },
    { reply: (r) => replies?.push(r), notice: () => undefined },
  );
  for (const part of parts) model.write(part);
  return model;
}

export function stateAfter(parts: readonly Uint8Array[], size: Size): unknown {
  const replies: string[] = [];
  return stateOf(modelAfter(parts, size, replies), replies);
}

/** The same, its lines packed after every part. */
export function packedStateAfter(parts: readonly Uint8Array[], size: Size): unknown {
  const replies: string[] = [];
  const model = modelAfter([], size, replies);
  for (const part of parts) {
    model.write(part);
    model.pack(1);
  }
  return stateOf(model, replies);
}

function stateOf(model: ScreenModel, replies: string[]): unknown {
  const state = terminalState(model.term);
  const outer = {
    dec: [...model.modes.dec].sort(),
    ansi: [...model.modes.ansi].sort(),
    keyboard: model.modes.keyboard,
    keys: [...model.modes.modifyKeys],
    colors: [...model.modes.colors].sort(),
    pending: [...model.pendingBytes()].filter((b) => b >= 0x20 || b === 0x1b),
  };
  const kept = structuredClone(outer);
  model.write(new TextEncoder().encode(`\x18${battery.join("")}`), true);
  model.dispose();
  return { ...state, outer: kept, replies };
}

/** A client's terminal that knows nothing of us. */
export function stockStateAfter(parts: readonly Uint8Array[], [cols, rows]: Size): unknown {
  const term = new TerminalClass({
    cols,
    rows,
    scrollback: SCROLLBACK,
    allowProposedApi: true,
    logLevel: "off",
    windowOptions: { pushTitle: true, popTitle: true },
  });
  // In one piece: xterm loses some characters that are cut between two writes (utf8.ts).
  coreOf(term)._inputHandler.parse(Buffer.concat(parts));
  const state = terminalState(term);
  term.dispose();
  return state;
}

/** xterm lets a mark that joins nothing push the cursor past wrap-pending; no sequence can set that again. */
export function isBeyondPending(prefix: Uint8Array, size: Size): boolean {
  const model = modelAfter([prefix], size);
  return model.core._bufferService.buffers.active.x > size[0];
}

export function snapshotAt(prefix: Uint8Array, size: Size): Serialized {
  const model = modelAfter([prefix], size);
  const made = serialize(model);
  model.dispose();
  return made;
}
