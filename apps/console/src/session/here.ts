/** What can be done with the session that is shown, for whoever is in its terminal and has keys alone: a terminal keeps Tab for its program. */
import { told } from "@holdfast/sdk";
import { useEffect } from "react";
import { Store, useStore } from "../store.ts";
import type { TerminalView } from "./terminal-view.ts";

export interface HereCommand {
  readonly id: string;
  readonly text: string;
  readonly run: () => void;
}

export const here = new Store<readonly HereCommand[]>([]);

/** `isHere`: of those that stand side by side it is the one that has the focus. `ask`: asks what such a deed needs to know; null: it has ended. */
export function useHere(view: TerminalView, isHere: boolean, ask: ((verb: "share" | "rename" | "end") => void) | null): void {
  const floor = useStore(view.floor);
  const attachment = useStore(view.attachment);
  useEffect(() => {
    if (!isHere) return;
    const act = (asked: Promise<object>): void =>
      void told(asked).then(
        (answer) => {
          if (!answer.ok) view.notice.set({ code: answer.code, text: answer.message });
        },
        (fault: unknown) => view.notice.set({ code: "", text: String(fault) }),
      );
    const commands: HereCommand[] = [];
    if (attachment && floor && !attachment.observing && ask) {
      if (floor.seat === attachment.id)
        commands.push({ id: "release", text: "Release the floor", run: () => act(attachment.release()) });
      else {
        commands.push({ id: "take", text: "Take the floor", run: () => act(attachment.take()) });
        if (floor.holder !== "") commands.push({ id: "ask", text: "Ask for the floor", run: () => act(attachment.ask()) });
      }
      if (floor.aiPaused) commands.push({ id: "resume", text: "Let AIs go on", run: () => act(attachment.aiResume()) });
      else commands.push({ id: "pause", text: "Pause AIs", run: () => act(attachment.aiPause()) });
    }
    if (ask)
      commands.push(
        { id: "share", text: "Share this session", run: () => ask("share") },
        { id: "rename", text: "Rename this session", run: () => ask("rename") },
        { id: "end", text: "End this session", run: () => ask("end") },
      );
    here.set(commands);
    return () => here.set([]);
  }, [view, isHere, ask, floor, attachment]);
}
