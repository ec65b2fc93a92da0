/** Something asked of a session from its bar or the palette: what the host says to it is told where its terminal is. */
import { told } from "@holdfast/sdk";
import type { TerminalView } from "./terminal-view.ts";

export function say(view: TerminalView, asked: Promise<object>): void {
  told(asked).then(
    (answer) => {
      if (!answer.ok) view.notice.set({ code: answer.code, text: answer.message });
    },
    (fault: unknown) => view.notice.set({ code: "", text: String(fault) }),
  );
}
