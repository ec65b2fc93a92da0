/** `hold doctor --reset-terminal`: after a `kill -9` of an attached `hold`, which nothing can undo in time. */
import { spawnSync } from "node:child_process";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";

/**
 * Leaves the alternate screen and turns off whatever programs turn on: insert mode, keypad, mouse, paste brackets, focus, keyboards,
 * margins, what lines do at their end. One by one: a soft reset (`CSI ! p`) is not in every terminal. The title stays:
 * no terminal tells what it was. 80 columns (`?3`) and the wheel's arrows (`?1007`) are left, since their default is the terminal's.
 */
export const resetSequence =
  "\x1b[?1049l\x1b[!p\x1b[4l\x1b[20l\x1b[2l\x1b[12h\x1b[0m\x1b[r\x1b[?6l\x1b[?7h\x1b[?1l\x1b[?5l\x1b[?45l\x1b[?69l\x1b[?66l\x1b>\x1b[?9l\x1b[?1000l\x1b[?1001l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l\x1b[?2026l\x1b[?2031l\x1b[?2048l\x1b[<99u\x1b[=0u\x1b[>4;0m\x1b(B\x1b)B\x0f\x1b[?25h\x1b[0 q\x1b]8;;\x1b\\\r\n";

export function resetTerminal(context: Context): number {
  if (!context.out.isTty) throw usage("--reset-terminal needs the terminal on standard output");
  context.out.write(resetSequence);
  spawnSync("stty", ["sane"], { stdio: ["inherit", "ignore", "ignore"] });
  return 0;
}
