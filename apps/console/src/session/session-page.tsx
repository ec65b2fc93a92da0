/** One session: its terminal, who is there, who steers, and whether what is seen is of now. */
import { type HostClient, type Session, shownExactly } from "@holdfast/sdk";
import "@xterm/xterm/css/xterm.css";
import { ArrowLeft, Ellipsis, LogOut, SearchIcon, SquareTerminal, X } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { Avatar } from "../design/avatar.tsx";
import { Badge, Banner, Button, Dialog, Dot, Empty, IconButton, MenuButton, MenuItem } from "../design/controls.tsx";
import { durationText, useNow } from "../design/time.ts";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLink } from "../host/hosts.ts";
import { useMay } from "../host/rights.ts";
import { actionOn } from "../keys/chords.ts";
import { type Deeds, useShortcut } from "../keys/use-keys.ts";
import { type Deed, SessionDeed } from "../sessions/deed.tsx";
import { endText, lookOf } from "../sessions/state.ts";
import { Bar } from "../shell/bar.tsx";
import { paths, sessionPath } from "../shell/routes.ts";
import { settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { look } from "../theme/look.ts";
import { terminalGround } from "../theme/terminal-ground.ts";
import { Find } from "./find.tsx";
import { FloorBar } from "./floor-bar.tsx";
import { useHere } from "./here.ts";
import { KeysBar } from "./keys-bar.tsx";
import type { Panel } from "./panel.ts";
import { hasRoomForTwo, panels } from "./panels.ts";
import { PasteGuard, usePasteGuard } from "./paste-guard.tsx";
import css from "./session.module.css";
import { closePane, Tabs } from "./tabs.tsx";
import { followLink, TerminalView } from "./terminal-view.ts";
import { isSame, type Pane, tabOf, withPane, workspace } from "./workspace.ts";

export interface SessionPageProps {
  readonly hostId: string;
  readonly sessionId: string;
}

export function SessionPage({ hostId, sessionId }: SessionPageProps): ReactNode {
  const here = useMemo(() => ({ host: hostId, session: sessionId }), [hostId, sessionId]);
  const [, go] = useLocation();
  useEffect(() => workspace.set(withPane(workspace.value, here)), [here]);
  const panes = tabOf(useStore(workspace), here) ?? [here];
  return (
    <>
      <Tabs here={here} />
      <div className={css.panes} data-count={panes.length}>
        {panes.map((pane) => (
          <div
            key={`${pane.host} ${pane.session}`}
            className={css.pane}
            data-here={isSame(pane, here) || undefined}
            onFocusCapture={() => isSame(pane, here) || go(sessionPath(pane.host, pane.session), { replace: true })}
          >
            <InPane pane={pane} isAlone={panes.length === 1} isHere={isSame(pane, here)} />
          </div>
        ))}
      </div>
    </>
  );
}

interface InPaneProps {
  readonly pane: Pane;
  readonly isAlone: boolean;
  readonly isHere: boolean;
}

function InPane({ pane, isAlone, isHere }: InPaneProps): ReactNode {
  const link = useLink(pane.host);
  if (!link)
    return (
      <>
        <Bar title="Session" />
        <Empty title="This browser does not know that host">
          <p>The address is of a host that was forgotten here, or was never known.</p>
          <Link to={paths.hosts}>Hosts</Link>
        </Empty>
      </>
    );
  return <OnHost link={link} sessionId={pane.session} isAlone={isAlone} isHere={isHere} />;
}

interface OnHostProps {
  readonly link: HostLink;
  readonly sessionId: string;
  readonly isAlone: boolean;
  readonly isHere: boolean;
}

/** Waits for a host that answers; once attached, the view finds its own links. */
function OnHost({ link, sessionId, isAlone, isHere }: OnHostProps): ReactNode {
  const state = useHostState(link);
  const sessions = useStore(link.sessions);
  const session = sessions?.get(sessionId) ?? null;
  const [view, setView] = useState<TerminalView | null>(null);
  const client = state.is === "up" ? state.client : null;
  useEffect(() => {
    if (!client || view) return;
    setView(
      new TerminalView({
        client,
        session: sessionId,
        look,
        openLink: (url) => asked.current?.(url),
      }),
    );
  }, [client, sessionId, view]);
  const again = (): void => {
    view?.end();
    setView(null);
  };
  const asked = useRef<((url: string) => void) | null>(null);
  const [url, setUrl] = useState<string | null>(null);
  asked.current = setUrl;
  if (!view)
    return (
      <>
        <Bar title={session?.name ?? "Session"} />
        <Empty title={state.is === "refused" ? `${link.host.name} refuses this browser` : `Waiting for ${link.host.name}`}>
          <p>{"why" in state ? state.why : "It is being dialled."}</p>
        </Empty>
      </>
    );
  return (
    <>
      <Attached link={link} view={view} session={session} isAlone={isAlone} isHere={isHere} onAgain={again} />
      <OpenLink url={url} onDone={() => setUrl(null)} />
    </>
  );
}

interface AttachedProps {
  readonly link: HostLink;
  readonly view: TerminalView;
  readonly session: Session | null;
  readonly isAlone: boolean;
  readonly isHere: boolean;
  /** Attaches anew. */
  readonly onAgain: () => void;
}

function Attached({ link, view, session, isAlone, isHere, onAgain }: AttachedProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [, go] = useLocation();
  const [deed, setDeed] = useState<Deed | null>(null);
  const [isFinding, setFinding] = useState(false);
  const { panel, toggle } = usePanel(link.host.id, session?.id ?? "");
  const guard = usePasteGuard(view);
  const state = useStore(view.state);
  const size = useStore(view.size);
  const isBoxed = useStore(view.isBoxed);
  const presence = useStore(view.presence);
  const floor = useStore(view.floor);
  const { colours } = useStore(look);
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
  useEffect(() => {
    view.terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown") return true;
      const deeds: Deeds = {
        find: () => setFinding(true),
        copy: () => void navigator.clipboard.writeText(view.terminal.getSelection()),
        ...Object.fromEntries(panels.map((one) => [one.id, () => toggle.current(one)])),
      };
      const action = actionOn(event, settings.value.chords, { isTerminal: true, isField: true, isSessions: false });
      const act = action && deeds[action];
      if (!act) return true;
      event.preventDefault();
      act();
      return false;
    });
  }, [view, toggle]);
  const own = presence.find((p) => p.attachment === view.attachment.value?.id);
  const name = session?.name ?? "Session";
  const sort = session ? lookOf(session) : null;
  const isEnded = sort !== null && !sort.isLive;
  const isRecord = useStore(link.record) !== null;
  const mayRename = useMay(link, "session.create");
  const mayEnd = useMay(link, "session.terminate");
  const mayType = useMay(link, "session.input");
  const current = useRef(session);
  current.current = session;
  const end = useCallback(() => {
    const { current: one } = current;
    if (one) setDeed({ id: one.id, link, session: one, verb: "end" });
  }, [link]);
  useHere(view, isHere, isEnded || !mayEnd ? null : end);
  return (
    <section className={css.screen} aria-label={`Session ${name}`}>
      <Bar
        title={name}
        lead={
          isAlone ? (
            <IconButton label="All sessions" onPress={() => go(paths.sessions)}>
              <ArrowLeft size={16} />
            </IconButton>
          ) : (
            <IconButton
              label="Close this pane: the session lives on"
              onPress={() => session && closePane({ host: link.host.id, session: session.id }, go, true)}
            >
              <X size={16} />
            </IconButton>
          )
        }
      >
        <ul className={css.people} aria-label="Who is here">
          {presence.map((p) => (
            <li key={p.attachment}>
              <Avatar name={p.name} kind={p.kind} via={p.via} steers={p.attachment === floor?.seat} />
            </li>
          ))}
        </ul>
        {isEnded || isRecord ? null : <FloorBar view={view} />}
        <Search onPress={() => setFinding(true)} />
        {panels
          .filter((one) => mayType || one.id !== "files")
          .map((one) => (
            <PanelButton key={one.id} panel={one} isOpen={one === panel} onPress={() => toggle.current(one)} />
          ))}
        {session && (mayRename || mayEnd) ? (
          <MenuButton
            label={`What can be done with ${name}`}
            icon={<Ellipsis size={16} />}
            onAction={(verb) => setDeed({ id: session.id, link, session, verb: verb as Deed["verb"] })}
          >
            {mayRename ? <MenuItem id="share">Share</MenuItem> : null}
            {mayRename ? <MenuItem id="rename">Rename</MenuItem> : null}
            {!mayEnd ? null : sort?.isLive ? (
              <MenuItem id="end" tone="bad">
                End
              </MenuItem>
            ) : (
              <MenuItem id="remove" tone="bad">
                Remove its record
              </MenuItem>
            )}
          </MenuButton>
        ) : null}
      </Bar>
      {own?.plain ? (
        <Banner tone="warn">
          <span>Not end to end: whoever has the relay can read this page’s link, and forge it.</span>
        </Banner>
      ) : null}
      <Unsent view={view} />
      {state.is === "over" || isEnded ? (
        <Over reason={state.is === "over" ? state.reason : ""} session={session} onAgain={onAgain} />
      ) : null}
      {state.is === "offline" && !isEnded && !isRecord ? <Offline sinceUnixMs={state.sinceUnixMs} /> : null}
      <div className={css.beside}>
        <div className={css.frame} dir="ltr" style={terminalGround(colours)} onPasteCapture={guard.onPaste}>
          <div className={css.terminal} ref={frame} data-boxed={isBoxed || undefined} />
          {isFinding ? <Find view={view} onDone={() => setFinding(false)} /> : null}
        </div>
        {panel && session ? <Beside panel={panel} link={link} session={session} /> : null}
      </div>
      {mayType ? <KeysBar view={view} /> : null}
      <StatusLine view={view} size={size} end={isEnded ? sort.word : isRecord ? "ran then" : null} />
      {guard.text !== null ? <PasteGuard text={guard.text} onDone={guard.decide} /> : null}
      {deed ? <SessionDeed deed={deed} onDone={() => setDeed(null)} /> : null}
    </section>
  );
}

function Search({ onPress }: { readonly onPress: () => void }): ReactNode {
  const shortcut = useShortcut("find");
  return (
    <IconButton label="Search what was printed" shortcut={shortcut} onPress={onPress}>
      <SearchIcon size={16} />
    </IconButton>
  );
}

interface PanelButtonProps {
  readonly panel: Panel;
  readonly isOpen: boolean;
  readonly onPress: () => void;
}

function PanelButton({ panel, isOpen, onPress }: PanelButtonProps): ReactNode {
  const shortcut = useShortcut(panel.id);
  return (
    <IconButton label={panel.title} shortcut={shortcut} aria-pressed={isOpen} onPress={onPress}>
      <panel.icon size={16} />
    </IconButton>
  );
}

/** Which panel is open. Where there is no room for two, it opens as its own screen. */
function usePanel(hostId: string, sessionId: string) {
  const [, go] = useLocation();
  const [panel, setPanel] = useState<Panel | null>(null);
  const toggle = useRef<(panel: Panel) => void>(() => {});
  toggle.current = (one) => {
    if (hasRoomForTwo()) setPanel(panel === one ? null : one);
    else if (sessionId) go(one.path(hostId, sessionId));
  };
  return { panel, toggle };
}

interface BesideProps {
  readonly panel: Panel;
  readonly link: HostLink;
  readonly session: Session;
}

function Beside({ panel, link, session }: BesideProps): ReactNode {
  const state = useHostState(link);
  const last = useRef<HostClient | null>(null);
  if (state.is === "up") last.current = state.client;
  if (!last.current) return null;
  return (
    <aside className={css.panel} aria-label={panel.title}>
      <panel.component link={link} client={last.current} session={session} />
    </aside>
  );
}

function Offline({ sinceUnixMs }: { readonly sinceUnixMs: number }): ReactNode {
  const now = useNow(500);
  return (
    <Banner tone="warn">
      <span>
        The link is down since {durationText(Math.max(0, now - sinceUnixMs))}. The session runs on; this shows it as it was, and
        comes back by itself.
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

interface StatusLineProps {
  readonly view: TerminalView;
  readonly size: { cols: number; rows: number } | null;
  /** What a session is called that does not live any more; null: it lives, or is not known. */
  readonly end: string | null;
}

function StatusLine({ view, size, end }: StatusLineProps): ReactNode {
  const state = useStore(view.state);
  const notice = useStore(view.notice);
  const typed = useStore(view.typed);
  const unconfirmed = useStore(view.unconfirmed);
  const presence = useStore(view.presence);
  const own = presence.find((p) => p.attachment === view.attachment.value?.id);
  const others = typed && typed.actor !== own?.operator ? typed : null;
  const who = others ? (presence.find((p) => p.operator === others.actor)?.name ?? others.actor) : "";
  return (
    <footer className={css.status}>
      <span className={css.floor} role="status">
        {end ? <Dot hollow /> : <Dot tone={state.is === "attached" ? "good" : state.is === "over" ? "bad" : "warn"} />}
        {end ?? { attaching: "attaching", attached: "live", offline: "offline", over: "not attached" }[state.is]}
      </span>
      {unconfirmed > 0 ? <Badge tone="warn">{unconfirmed} bytes not confirmed</Badge> : null}
      {notice ? (
        <span role="alert">
          <Badge tone="warn">{notice.code || "refused"}</Badge> {notice.text}
        </span>
      ) : others ? (
        <>
          <span>
            <bdi>{who}</bdi> typed
          </span>
          <code>{shownExactly(new TextEncoder().encode(others.text))}</code>
        </>
      ) : null}
      <span>
        <bdi dir="ltr">{size ? `${size.cols}×${size.rows}` : ""}</bdi>
      </span>
    </footer>
  );
}

/** A link that a program printed: where it really leads, before it is followed. */
function OpenLink({ url, onDone }: { readonly url: string | null; readonly onDone: () => void }): ReactNode {
  const target = useMemo(() => (url ? new URL(url) : null), [url]);
  return (
    <Dialog title="Open this link?" about="A program in the session printed it." isOpen={url !== null} onClose={onDone} isAlert>
      <code className={css.paste}>{url}</code>
      {target?.host ? <p>It leads to {target.host}.</p> : null}
      <footer>
        <Button onPress={onDone}>Cancel</Button>
        <Button
          look="primary"
          onPress={() => {
            if (url) followLink(url);
            onDone();
          }}
        >
          <LogOut size={15} aria-hidden /> Open
        </Button>
      </footer>
    </Dialog>
  );
}
