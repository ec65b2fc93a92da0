/** What whoever looks at a session must know of it before they type: whether it is end to end, live, over, and what of theirs was not sent. */
import type { Session } from "@holdfast/sdk";
import { SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Banner, Button } from "../design/controls.tsx";
import { durationText, useNow } from "../design/time.ts";
import { endText, lookOf } from "../sessions/state.ts";
import { paths } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

export interface BannersProps {
  readonly view: TerminalView;
  readonly session: Session | null;
  /** Nothing of it is live, which is said above. */
  readonly isRecord: boolean;
  readonly onAgain: () => void;
}

export function Banners({ view, session, isRecord, onAgain }: BannersProps): ReactNode {
  const state = useStore(view.state);
  const presence = useStore(view.presence);
  const own = presence.find((p) => p.attachment === view.attachment.value?.id);
  const isEnded = session !== null && !lookOf(session).isLive;
  return (
    <>
      {own?.plain ? (
        <Banner tone="warn">
          <span>Not end to end: whoever runs the relay can read what is shown here, and type as you.</span>
        </Banner>
      ) : null}
      <Unsent view={view} />
      {state.is === "over" || isEnded ? (
        <Over reason={state.is === "over" ? state.reason : ""} session={session} onAgain={onAgain} />
      ) : null}
      {state.is === "offline" && !isEnded && !isRecord ? <Offline sinceUnixMs={state.sinceUnixMs} /> : null}
    </>
  );
}

/** So short a while is no news, and the terminal need not make room for it. */
const SHORT_MS = 1_000;

function Offline({ sinceUnixMs }: { readonly sinceUnixMs: number }): ReactNode {
  const now = useNow(500);
  if (now - sinceUnixMs < SHORT_MS) return null;
  return (
    <Banner tone="warn">
      <span>
        The link has been down for {durationText(now - sinceUnixMs)}. The session runs on; this shows it as it was, and comes back
        by itself.
      </span>
    </Banner>
  );
}

interface OverProps {
  readonly reason: string;
  readonly session: Session | null;
  readonly onAgain: () => void;
}

function Over({ reason, session, onAgain }: OverProps): ReactNode {
  const how = session ? endText(session) : "";
  return (
    <Banner tone={how === "" ? "bad" : undefined}>
      <SquareTerminal size={16} aria-hidden />
      <span>{how ? `This session ${how}. What it printed stays below.` : `You are no longer attached: ${reason}`}</span>
      {how ? <Link to={paths.sessions}>All sessions</Link> : <Button onPress={onAgain}>Attach again</Button>}
    </Banner>
  );
}

/** What was typed while nobody could take it: sent or dropped by whoever typed it, and never by itself when it is old. */
function Unsent({ view }: { readonly view: TerminalView }): ReactNode {
  const bytes = useStore(view.held);
  if (bytes === 0) return null;
  const decide = (send: boolean): void => {
    const attachment = view.attachment.value;
    if (send) attachment?.flushHeld();
    else attachment?.dropHeld();
    view.held.set(0);
  };
  return (
    <Banner tone="warn">
      <span>{bytes} bytes that you typed while the link was down have not been sent.</span>
      <div className={css.floor}>
        <Button onPress={() => decide(false)}>Drop them</Button>
        <Button look="primary" onPress={() => decide(true)}>
          Send them
        </Button>
      </div>
    </Banner>
  );
}
