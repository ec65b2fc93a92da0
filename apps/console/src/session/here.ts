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

const VERBS = { share: "Share this session", rename: "Rename this session", end: "End this session" } as const;
export type HereVerb = keyof typeof VERBS;

/** `isHere`: of those that stand side by side it is the one that has the focus, and it lives. `ask`: asks what such a deed needs to know; `verbs`: those that are theirs. */
export function useHere(view: TerminalView, isHere: boolean, ask: (verb: HereVerb) => void, verbs: readonly HereVerb[]): void {
  const floor = useStore(view.floor);
  const attachment = useStore(view.attachment);
  const offered = verbs.join();
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
    for (const verb of Object.keys(VERBS) as HereVerb[])
      if (offered.includes(verb)) commands.push({ id: verb, text: VERBS[verb], run: () => ask(verb) });
    here.set(commands);
    return () => here.set([]);
  }, [view, isHere, ask, offered, floor, attachment]);
}
