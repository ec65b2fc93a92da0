/** What can be done with the session that is shown, for whoever is in its terminal and has keys alone: a terminal keeps Tab for its program. */
import { useEffect } from "react";
import { Store, useStore } from "../store.ts";
import { say } from "./say.ts";
import type { TerminalView } from "./terminal-view.ts";

export interface HereCommand {
  readonly id: string;
  readonly text: string;
  readonly run: () => void;
}

export const here = new Store<readonly HereCommand[]>([]);

/** `isHere`: of those that stand side by side it is the one that has the focus, and it lives. `end`: asks whether it is to end; null: that is not theirs. */
export function useHere(view: TerminalView, isHere: boolean, end: (() => void) | null): void {
  const floor = useStore(view.floor);
  const attachment = useStore(view.attachment);
  useEffect(() => {
    if (!isHere) return;
    const commands: HereCommand[] = [];
    if (attachment && floor && !attachment.observing) {
      if (floor.seat === attachment.id)
        commands.push({ id: "release", text: "Release the floor", run: () => say(view, attachment.release()) });
      else {
        commands.push({ id: "take", text: "Take the floor", run: () => say(view, attachment.take()) });
        if (floor.holder !== "") commands.push({ id: "ask", text: "Ask for the floor", run: () => say(view, attachment.ask()) });
      }
      if (floor.aiPaused) commands.push({ id: "resume", text: "Let AIs go on", run: () => say(view, attachment.aiResume()) });
      else commands.push({ id: "pause", text: "Pause AIs", run: () => say(view, attachment.aiPause()) });
    }
    if (end) commands.push({ id: "end", text: "End this session", run: end });
    here.set(commands);
    return () => here.set([]);
  }, [view, isHere, end, floor, attachment]);
}
