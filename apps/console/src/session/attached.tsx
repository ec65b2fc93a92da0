/** One session: its terminal, who is there, who steers, and whether what is seen is of now. */
import type { Session } from "@holdfast/sdk";
import "@xterm/xterm/css/xterm.css";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { HostLink } from "../host/host-link.ts";
import { mayIn, mayOn } from "../host/rights.ts";
import { type Deed, SessionDeed } from "../sessions/deed.tsx";
import { lookIn, lookOf } from "../sessions/state.ts";
import { useStore } from "../store.ts";
import { look } from "../theme/look.ts";
import { terminalGround } from "../theme/terminal-ground.ts";
import { Banners } from "./banners.tsx";
import { Beside, usePanel } from "./beside.tsx";
import { Find } from "./find.tsx";
import { type HereVerb, useHere } from "./here.ts";
import { KeysBar } from "./keys-bar.tsx";
import { panels } from "./panels.ts";
import { PasteGuard, usePasteGuard } from "./paste-guard.tsx";
import css from "./session.module.css";
import { SessionBar } from "./session-bar.tsx";
import { StatusLine } from "./status-line.tsx";
import type { TerminalView } from "./terminal-view.ts";
import { useDrawn, useTerminalKeys } from "./use-view.ts";

export interface AttachedProps {
  readonly link: HostLink;
  readonly view: TerminalView;
  /** Null: the host does not list it. */
  readonly session: Session | null;
  /** No other stands beside it. */
  readonly isAlone: boolean;
  /** Of those that stand side by side it is the one that has the focus. */
  readonly isHere: boolean;
  readonly onAgain: () => void;
}

export function Attached({ link, view, session, isAlone, isHere, onAgain }: AttachedProps): ReactNode {
  const frame = useDrawn(view);
  const [deed, setDeed] = useState<Deed | null>(null);
  const asked = useRef(false);
  // Once a question is answered one types on.
  useEffect(() => {
    if (asked.current && deed === null) view.terminal.focus();
    asked.current = deed !== null;
  }, [view, deed]);
  const [isFinding, setFinding] = useState(false);
  const { panel, takesFocus, toggle } = usePanel(link.host.id, session?.id ?? "");
  const guard = usePasteGuard(view);
  const isBoxed = useStore(view.isBoxed);
  const { colours } = useStore(look);
  useTerminalKeys(view, {
    find: () => setFinding(true),
    copy: () => void navigator.clipboard.writeText(view.terminal.getSelection()),
    leave: () => frame.current?.closest("section")?.querySelector<HTMLElement>("header button")?.focus(),
    ...Object.fromEntries(panels.map((one) => [one.id, () => toggle(one, true)])),
  });
  const isEnded = session !== null && !lookOf(session).isLive;
  const current = useRef(session);
  current.current = session;
  const ask = useCallback(
    (verb: HereVerb) => {
      const { current: one } = current;
      if (one) setDeed({ id: one.id, link, session: one, verb });
    },
    [link],
  );
  useStore(link.rights);
  const verbs: readonly HereVerb[] = [
    ...(mayOn(link, "host.admin") ? (["share"] as const) : []),
    ...(mayIn(link, "session.create") ? (["rename"] as const) : []),
    ...(mayIn(link, "session.terminate") ? (["end"] as const) : []),
  ];
  const isRecord = useStore(link.record) !== null;
  useHere(view, isHere && !isEnded && !isRecord, ask, verbs);
  return (
    <section className={css.screen} aria-label={`Session ${session?.name ?? "Session"}`}>
      <SessionBar
        link={link}
        view={view}
        session={session}
        isAlone={isAlone}
        panel={panel}
        onPanel={toggle}
        onFind={() => setFinding(true)}
        onDeed={setDeed}
      />
      <Banners view={view} session={session} isRecord={isRecord} onAgain={onAgain} />
      <div className={css.beside}>
        <div className={css.frame} dir="ltr" style={terminalGround(colours)} onPasteCapture={guard.onPaste}>
          <div className={css.terminal} ref={frame} data-boxed={isBoxed || undefined} />
          {isFinding ? <Find view={view} onDone={() => setFinding(false)} /> : null}
        </div>
        {panel && session ? <Beside key={panel.id} panel={panel} takesFocus={takesFocus} link={link} session={session} /> : null}
      </div>
      {mayIn(link, "session.input") && !isEnded ? <KeysBar view={view} /> : null}
      <StatusLine view={view} end={session && (isEnded || isRecord) ? lookIn(isRecord, session).word : null} />
      {guard.text !== null ? <PasteGuard text={guard.text} onDone={guard.decide} /> : null}
      {deed ? <SessionDeed deed={deed} onDone={() => setDeed(null)} /> : null}
    </section>
  );
}
