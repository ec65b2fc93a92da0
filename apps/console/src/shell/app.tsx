/** The page's frame: the way around, the screen that the address names, and the palette over both. */
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Route, Switch, useLocation } from "wouter";
import { useAsked } from "../approvals/approvals.ts";
import { useNotices } from "../approvals/notices.ts";
import { Empty } from "../design/controls.tsx";
import { localeFor } from "../design/direction.ts";
import { chooseScheme } from "../design/scheme.ts";
import { FromMirror } from "../host/from-mirror.tsx";
import { useHostStates, useLinks } from "../host/hosts.ts";
import { useThoseThatLet } from "../host/rights.ts";
import { chordText } from "../keys/chord.ts";
import { chordFor } from "../keys/chords.ts";
import { type Deeds, isMac, useKeys } from "../keys/use-keys.ts";
import { lookForNewer } from "../offline/updates.ts";
import { useGuestsWay } from "../sessions/guests-way.ts";
import { SessionsPage } from "../sessions/sessions-page.tsx";
import { choose, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { Bar } from "./bar.tsx";
import { type Command, Palette } from "./palette.tsx";
import { paths } from "./routes.ts";
import {
  ApprovalsPage,
  AuditPage,
  bringsSession,
  FilesPage,
  HostPage,
  HostsPage,
  NewSession,
  OperatorsPage,
  PlaybackPage,
  PolicyPage,
  SessionPage,
  SettingsPage,
  TimelinePage,
} from "./screens.ts";
import css from "./shell.module.css";
import { Side } from "./side.tsx";

export function App(): ReactNode {
  const [at, go] = useLocation();
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isNewOpen, setNewOpen] = useState(false);
  const { readsAloud, letterPx, chords, direction } = useStore(settings);
  const links = useLinks();
  const asked = useAsked(links);
  const mayOpen = useHostStates(useThoseThatLet(links, "session.create")).some(({ is }) => is !== "refused");
  const isMember = useThoseThatLet(links, null).length > 0;
  const mayAudit = useThoseThatLet(links, "audit.read").length > 0;
  const opens = mayOpen ? () => setNewOpen(true) : null;
  useNotices(asked, links, go);
  useGuestsWay(links);
  useEffect(() => {
    const timer = setTimeout(() => void bringsSession(), 1_000);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    const stops = links.map(({ state }) => state.follow(() => state.value.is === "up" && lookForNewer()));
    return () => {
      for (const stop of stops) stop();
    };
  }, [links]);
  const deeds = {
    palette: () => setPaletteOpen(true),
    "palette-anywhere": () => setPaletteOpen(true),
    new: () => opens?.(),
    sessions: () => go(paths.sessions),
    approvals: () => go(paths.approvals),
    operators: () => go(paths.operators),
    policy: () => go(paths.policy),
    audit: () => go(paths.audit),
    hosts: () => go(paths.hosts),
    settings: () => go(paths.settings),
    larger: () => choose({ letterPx: letterPx + 1 }),
    smaller: () => choose({ letterPx: letterPx - 1 }),
  } satisfies Deeds;
  useKeys(deeds, at === paths.sessions);
  const keyed = (id: keyof typeof deeds, text: string): Command => {
    const chord = chordFor(id, chords);
    return { id, text, run: deeds[id], shortcut: chord === null ? undefined : chordText(chord, isMac) };
  };
  const commands: readonly Command[] = [
    ...(mayOpen ? [keyed("new", "New session")] : []),
    keyed("approvals", "Approvals"),
    ...(isMember ? [keyed("operators", "Operators")] : []),
    keyed("policy", "Policy"),
    ...(mayAudit ? [keyed("audit", "Audit")] : []),
    keyed("hosts", "Hosts"),
    keyed("settings", "Settings"),
    {
      id: "reader",
      text: readsAloud ? "Screen reader support: off" : "Screen reader support: on",
      run: () => choose({ readsAloud: !readsAloud }),
    },
    keyed("larger", "Larger letters in terminals"),
    keyed("smaller", "Smaller letters in terminals"),
    { id: "light", text: "Light colours", run: () => chooseScheme("light") },
    { id: "dark", text: "Dark colours", run: () => chooseScheme("dark") },
    { id: "system", text: "Colours of the system", run: () => chooseScheme(null) },
  ];
  return (
    <I18nProvider locale={localeFor(direction)}>
      <RouterProvider navigate={go}>
        <div className={css.frame}>
          <a className={css.skip} href="#main">
            Skip to the screen
          </a>
          <Side onPalette={() => setPaletteOpen(true)} waiting={asked.length} isMember={isMember} mayAudit={mayAudit} />
          <main className={css.main} id="main" tabIndex={-1}>
            <FromMirror links={links} />
            <Suspense fallback={null}>
              <Switch>
                <Route path={paths.sessions}>
                  <SessionsPage onNew={opens} />
                </Route>
                <Route path={paths.session}>{({ host, session }) => <SessionPage hostId={host} sessionId={session} />}</Route>
                <Route path={paths.approvals}>
                  <ApprovalsPage asked={asked} />
                </Route>
                <Route path={paths.operators}>
                  <OperatorsPage />
                </Route>
                <Route path={paths.policy}>
                  <PolicyPage />
                </Route>
                <Route path={paths.audit}>
                  <AuditPage />
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
                <Route path={paths.settings}>
                  <SettingsPage />
                </Route>
                <Route path={paths.host}>{({ host }) => <HostPage key={host} hostId={host} />}</Route>
                <Route>
                  <Bar title="Console" />
                  <Empty title="There is no such screen">
                    <p>The address leads nowhere in this console.</p>
                  </Empty>
                </Route>
              </Switch>
            </Suspense>
          </main>
        </div>
        <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} commands={commands} />
        <Suspense fallback={null}>
          <NewSession isOpen={isNewOpen} onClose={() => setNewOpen(false)} />
        </Suspense>
      </RouterProvider>
    </I18nProvider>
  );
}
