/** The page's frame: the way around, the screen that the address names, and the palette over both. */
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Route, Switch, useLocation } from "wouter";
import { useAsked } from "../approvals/approvals.ts";
import { ApprovalsPage } from "../approvals/approvals-page.tsx";
import { useNotices } from "../approvals/notices.ts";
import { Empty } from "../design/controls.tsx";
import { chooseScheme } from "../design/scheme.ts";
import { useLinks } from "../host/hosts.ts";
import { HostsPage } from "../host/hosts-page.tsx";
import { OperatorsPage } from "../operators/operators-page.tsx";
import { NewSession } from "../sessions/new-session.tsx";
import { SessionsPage } from "../sessions/sessions-page.tsx";
import { choose, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { Bar } from "./bar.tsx";
import { Palette } from "./palette.tsx";
import { paths } from "./routes.ts";
import css from "./shell.module.css";
import { Side } from "./side.tsx";

/** A terminal is a third of the page, and a list of sessions needs none: it comes when the first is opened, and is asked for as soon as the list stands. */
const bringsSession = () => import("../session/session-page.tsx");
const SessionPage = lazy(() => bringsSession().then(({ SessionPage: page }) => ({ default: page })));
const TimelinePage = lazy(() => import("../timeline/timeline-panel.tsx").then(({ TimelinePage: page }) => ({ default: page })));
const PlaybackPage = lazy(() => import("../playback/playback-page.tsx").then(({ PlaybackPage: page }) => ({ default: page })));
const FilesPage = lazy(() => import("../files/files-panel.tsx").then(({ FilesPage: page }) => ({ default: page })));

export function App(): ReactNode {
  const [, go] = useLocation();
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isNewOpen, setNewOpen] = useState(false);
  const { readsAloud, letterPx } = useStore(settings);
  const asked = useAsked(useLinks());
  useNotices(asked, () => go(paths.approvals));
  useEffect(() => {
    const timer = setTimeout(() => void bringsSession(), 1_000);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (event.ctrlKey && !event.shiftKey && event.target instanceof Element && event.target.closest(".xterm")) return;
      // In a terminal Ctrl-K is the shell's: there it is Ctrl-Shift-K, which no program is sent.
      event.preventDefault();
      event.stopPropagation();
      setPaletteOpen(true);
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, []);
  const commands = [
    { id: "new", text: "New session", shortcut: "N", run: () => setNewOpen(true) },
    { id: "approvals", text: "Approvals", run: () => go(paths.approvals) },
    { id: "operators", text: "Operators", run: () => go(paths.operators) },
    { id: "hosts", text: "Hosts", run: () => go(paths.hosts) },
    {
      id: "reader",
      text: readsAloud ? "Screen reader support: off" : "Screen reader support: on",
      run: () => choose({ readsAloud: !readsAloud }),
    },
    { id: "larger", text: "Larger letters in terminals", run: () => choose({ letterPx: letterPx + 1 }) },
    { id: "smaller", text: "Smaller letters in terminals", run: () => choose({ letterPx: letterPx - 1 }) },
    { id: "light", text: "Light colours", run: () => chooseScheme("light") },
    { id: "dark", text: "Dark colours", run: () => chooseScheme("dark") },
    { id: "system", text: "Colours of the system", run: () => chooseScheme(null) },
  ];
  return (
    <I18nProvider>
      <RouterProvider navigate={go}>
        <div className={css.frame}>
          <a className={css.skip} href="#main">
            Skip to the screen
          </a>
          <Side onPalette={() => setPaletteOpen(true)} waiting={asked.length} />
          <main className={css.main} id="main" tabIndex={-1}>
            <Suspense fallback={null}>
              <Switch>
                <Route path={paths.sessions}>
                  <SessionsPage onNew={() => setNewOpen(true)} />
                </Route>
                <Route path={paths.session}>{({ host, session }) => <SessionPage hostId={host} sessionId={session} />}</Route>
                <Route path={paths.approvals}>
                  <ApprovalsPage asked={asked} />
                </Route>
                <Route path={paths.operators}>
                  <OperatorsPage />
                </Route>
                <Route path={paths.timeline}>
                  {({ host, session }) => <TimelinePage key={`${host} ${session}`} hostId={host} sessionId={session} />}
                </Route>
                <Route path={paths.files}>
                  {({ host, session }) => <FilesPage key={`${host} ${session}`} hostId={host} sessionId={session} />}
                </Route>
                <Route path={paths.playback}>
                  {({ host, session }) => <PlaybackPage key={`${host} ${session}`} hostId={host} sessionId={session} />}
                </Route>
                <Route path={paths.hosts}>
                  <HostsPage />
                </Route>
                <Route path={paths.host}>{({ host }) => <HostsPage only={host} />}</Route>
                <Route>
                  <>
                    <Bar title="Console" />
                    <Empty title="There is no such screen">
                      <p>The address leads nowhere in this console.</p>
                    </Empty>
                  </>
                </Route>
              </Switch>
            </Suspense>
          </main>
        </div>
        <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} commands={commands} />
        <NewSession isOpen={isNewOpen} onClose={() => setNewOpen(false)} />
      </RouterProvider>
    </I18nProvider>
  );
}
