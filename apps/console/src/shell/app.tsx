/** The page's frame: the way around, the screen that the address names, and the palette over both. */
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Route, Switch, useLocation } from "wouter";
import { useAsked } from "../approvals/approvals.ts";
import { ApprovalsPage } from "../approvals/approvals-page.tsx";
import { useNotices } from "../approvals/notices.ts";
import { Empty } from "../design/controls.tsx";
import { localeFor } from "../design/direction.ts";
import { chooseScheme } from "../design/scheme.ts";
import { FromMirror } from "../host/from-mirror.tsx";
import { useLinks } from "../host/hosts.ts";
import { HostsPage } from "../host/hosts-page.tsx";
import { useMayOnAny } from "../host/rights.ts";
import { chordText } from "../keys/chord.ts";
import { chordFor } from "../keys/chords.ts";
import { type Deeds, isMac, useKeys } from "../keys/use-keys.ts";
import { lookForNewer } from "../offline/updates.ts";
import { OperatorsPage } from "../operators/operators-page.tsx";
import { useGuestsWay } from "../sessions/guests-way.ts";
import { NewSession } from "../sessions/new-session.tsx";
import { SessionsPage } from "../sessions/sessions-page.tsx";
import { choose, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { Bar } from "./bar.tsx";
import { type Command, Palette } from "./palette.tsx";
import { paths } from "./routes.ts";
import css from "./shell.module.css";
import { Side } from "./side.tsx";

/** A terminal is a third of the page, and a list of sessions needs none: it comes when the first is opened, and is asked for as soon as the list stands. */
const bringsSession = () => import("../session/session-page.tsx");
const SessionPage = lazy(() => bringsSession().then(({ SessionPage: page }) => ({ default: page })));
const TimelinePage = lazy(() => import("../timeline/timeline-panel.tsx").then(({ TimelinePage: page }) => ({ default: page })));
const PlaybackPage = lazy(() => import("../playback/playback-page.tsx").then(({ PlaybackPage: page }) => ({ default: page })));
const SettingsPage = lazy(() => import("../settings/settings-page.tsx").then(({ SettingsPage: page }) => ({ default: page })));
const FilesPage = lazy(() => import("../files/files-panel.tsx").then(({ FilesPage: page }) => ({ default: page })));
const AuditPage = lazy(() => import("../audit/audit-page.tsx").then(({ AuditPage: page }) => ({ default: page })));
const PolicyPage = lazy(() => import("../policy/policy-page.tsx").then(({ PolicyPage: page }) => ({ default: page })));
const HostPage = lazy(() => import("../host/host-page.tsx").then(({ HostPage: page }) => ({ default: page })));

export function App(): ReactNode {
  const [at, go] = useLocation();
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isNewOpen, setNewOpen] = useState(false);
  const { readsAloud, letterPx, chords, direction } = useStore(settings);
  const links = useLinks();
  const mayOpen = useMayOnAny(links, "session.create");
  const asked = useAsked(links);
  useNotices(asked, () => go(paths.approvals));
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
    new: () => mayOpen && setNewOpen(true),
    sessions: () => go(paths.sessions),
    approvals: () => go(paths.approvals),
    operators: () => go(paths.operators),
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
    keyed("operators", "Operators"),
    { id: "policy", text: "Policy", run: () => go(paths.policy) },
    { id: "audit", text: "Audit", run: () => go(paths.audit) },
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
          <Side onPalette={() => setPaletteOpen(true)} waiting={asked.length} />
          <main className={css.main} id="main" tabIndex={-1}>
            <FromMirror links={links} />
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
