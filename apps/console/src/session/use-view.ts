/** The one view of a session in its pane: made as soon as its host answers, from when on it finds its own links; drawn where the pane has room for it; ended with the pane. */
import { type RefObject, useEffect, useRef, useState } from "react";
import type { HostLink } from "../host/host-link.ts";
import { useHostState } from "../host/hosts.ts";
import { actionOn } from "../keys/chords.ts";
import type { Deeds } from "../keys/use-keys.ts";
import { settings } from "../settings.ts";
import { look } from "../theme/look.ts";
import { placeAt } from "./place.ts";
import { TerminalView } from "./terminal-view.ts";

export interface Viewed {
  /** Null until the host has answered. */
  readonly view: TerminalView | null;
  /** Attaches anew. */
  readonly again: () => void;
  /** A link that a program printed and that is to be followed, once somebody has seen where it leads. */
  readonly url: string | null;
  readonly forgetUrl: () => void;
}

export function useView(link: HostLink, sessionId: string): Viewed {
  const state = useHostState(link);
  const client = state.is === "up" ? state.client : null;
  const [view, setView] = useState<TerminalView | null>(null);
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (client && !view)
      setView(
        new TerminalView({ client, session: sessionId, look, openLink: setUrl, place: () => placeAt(link.host.id, sessionId) }),
      );
  }, [client, link, sessionId, view]);
  const again = (): void => {
    view?.end();
    setView(null);
  };
  return { view, again, url, forgetUrl: () => setUrl(null) };
}

/** Draws the view where the returned element stands, once, and ends it when that is gone. */
export function useDrawn(view: TerminalView): RefObject<HTMLDivElement | null> {
  const frame = useRef<HTMLDivElement>(null);
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || !frame.current) return;
    opened.current = true;
    void view.open(frame.current);
    view.terminal.focus();
  }, [view]);
  useEffect(() => {
    // Not at once: a view that is only drawn again is not left.
    return () => {
      setTimeout(() => {
        if (!frame.current?.isConnected) view.end();
      });
    };
  }, [view]);
  return frame;
}

/** What keys do while the terminal has them; all others are its program's. */
export function useTerminalKeys(view: TerminalView, deeds: Deeds): void {
  const now = useRef(deeds);
  now.current = deeds;
  useEffect(() => {
    view.terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown") return true;
      const action = actionOn(event, settings.value.chords, { isTerminal: true, isField: true, isSessions: false });
      const deed = action && now.current[action];
      if (!deed) return true;
      event.preventDefault();
      deed();
      return false;
    });
  }, [view]);
}
