/** The page's frame: the way around, the screen that the address names, and the palette over both. */
import { type ReactNode, useEffect, useState } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Route, Switch, useLocation } from "wouter";
import { Empty } from "../design/controls.tsx";
import { HostsPage } from "../host/hosts-page.tsx";
import { SessionPage } from "../session/session-page.tsx";
import { NewSession } from "../sessions/new-session.tsx";
import { SessionsPage } from "../sessions/sessions-page.tsx";
import { TimelinePage } from "../timeline/timeline-panel.tsx";
import { PlaybackPage } from "../playback/playback-page.tsx";
import { Palette } from "./palette.tsx";
import { paths } from "./routes.ts";
import css from "./shell.module.css";
import { Side } from "./side.tsx";

export function App(): ReactNode {
  const [, go] = useLocation();
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isNewOpen, setNewOpen] = useState(false);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      // In a terminal Ctrl-K is the shell's: there it is Ctrl-Shift-K, which no program is sent.
      event.preventDefault();
      event.stopPropagation();
      setPaletteOpen(true);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
  const commands = [{ id: "new", text: "New session", shortcut: "N", run: () => setNewOpen(true) }];
  return (
    <I18nProvider>
      <RouterProvider navigate={go}>
        <div className={css.frame}>
          <a className={css.skip} href="#main">
            Skip to the screen
          </a>
          <Side onPalette={() => setPaletteOpen(true)} />
          <main className={css.main} id="main" tabIndex={-1}>
            <Switch>
              <Route path={paths.sessions}>
                <SessionsPage onNew={() => setNewOpen(true)} />
              </Route>
              <Route path={paths.session}>
                {({ host, session }) => <SessionPage key={`${host} ${session}`} hostId={host} sessionId={session} />}
              </Route>
              <Route path={paths.timeline}>
                {({ host, session }) => <TimelinePage key={`${host} ${session}`} hostId={host} sessionId={session} />}
              </Route>
              <Route path={paths.playback}>
                {({ host, session }) => <PlaybackPage key={`${host} ${session}`} hostId={host} sessionId={session} />}
              </Route>
              <Route path={paths.hosts}>
                <HostsPage />
              </Route>
              <Route path={paths.host}>{({ host }) => <HostsPage only={host} />}</Route>
              <Route>
                <Empty title="There is no such screen">
                  <p>The address leads nowhere in this console.</p>
                </Empty>
              </Route>
            </Switch>
          </main>
        </div>
        <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} commands={commands} />
        <NewSession isOpen={isNewOpen} onClose={() => setNewOpen(false)} />
      </RouterProvider>
    </I18nProvider>
  );
}
