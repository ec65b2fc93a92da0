/** Sessions that are looked at: one, or several side by side, under their tabs. */
import { SessionKind } from "@holdfast/sdk";
import { lazy, type ReactNode, Suspense, useEffect, useMemo } from "react";
import { useLocation } from "wouter";
import type { HostLink } from "../host/host-link.ts";
import { useLink } from "../host/hosts.ts";
import { sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import { Attached } from "./attached.tsx";
import { UnknownHost, Waiting } from "./on-session.tsx";
import { OpenLink } from "./open-link.tsx";
import css from "./session.module.css";
import { Tabs } from "./tabs.tsx";
import { useView } from "./use-view.ts";
import { isSame, type Pane, tabOf, withPane, workspace } from "./workspace.ts";

const KernelPane = lazy(() => import("../kernel/kernel-pane.tsx").then(({ KernelPane: pane }) => ({ default: pane })));

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

function InPane({ pane, ...stands }: InPaneProps): ReactNode {
  const link = useLink(pane.host);
  return link ? <OnHost link={link} sessionId={pane.session} {...stands} /> : <UnknownHost />;
}

interface OnHostProps extends Omit<InPaneProps, "pane"> {
  readonly link: HostLink;
  readonly sessionId: string;
}

function OnHost({ link, sessionId, ...stands }: OnHostProps): ReactNode {
  const session = useStore(link.sessions)?.get(sessionId) ?? null;
  const isKernel = session?.kind === SessionKind.KERNEL;
  const { view, again, url, forgetUrl } = useView(link, sessionId);
  // It was begun before the list told what the session is.
  useEffect(() => {
    if (isKernel) view?.end();
  }, [isKernel, view]);
  if (isKernel)
    return (
      <Suspense fallback={<Waiting link={link} title={session.name} />}>
        <KernelPane key={session.id} link={link} session={session} />
      </Suspense>
    );
  if (!view) return <Waiting link={link} {...(session ? { title: session.name } : {})} />;
  return (
    <>
      <Attached link={link} view={view} session={session} {...stands} onAgain={again} />
      <OpenLink url={url} onDone={forgetUrl} />
    </>
  );
}
