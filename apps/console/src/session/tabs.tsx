/** The sessions that are open here, one tab each or several side by side in one. */
import { Columns2, Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { Dot, IconButton, MenuButton, MenuItem } from "../design/controls.tsx";
import { useLinks } from "../host/hosts.ts";
import { lookIn, lookOf } from "../sessions/state.ts";
import { paths, sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import css from "./session.module.css";
import { isSame, MOST_PANES, nextTo, type Pane, withoutPane, withSplit, workspace } from "./workspace.ts";

export function closePane(pane: Pane, go: (to: string) => void, isHere: boolean): void {
  const next = nextTo(workspace.value, pane);
  workspace.set(withoutPane(workspace.value, pane));
  if (isHere) go(next ? sessionPath(next.host, next.session) : paths.sessions);
}

export function Tabs({ here }: { readonly here: Pane }): ReactNode {
  const { tabs } = useStore(workspace);
  const [, go] = useLocation();
  return (
    <nav className={css.tabs} aria-label="Open sessions">
      <ul>
        {tabs.map((panes) => {
          const isHere = panes.some((pane) => isSame(pane, here));
          const [first] = panes as [Pane];
          return (
            <li
              key={`${first.host} ${first.session}`}
              data-here={isHere || undefined}
              ref={isHere ? (tab) => tab?.scrollIntoView({ block: "nearest", inline: "nearest" }) : undefined}
            >
              <Link to={sessionPath(first.host, first.session)} aria-current={isHere ? "page" : undefined}>
                {panes.map((pane) => (
                  <PaneName key={pane.session} pane={pane} />
                ))}
              </Link>
              <IconButton
                label="Close this tab: the session lives on"
                onPress={() => {
                  for (const pane of panes) closePane(pane, go, isHere);
                }}
              >
                <X size={13} />
              </IconButton>
            </li>
          );
        })}
      </ul>
      <IconButton label="Open another session" onPress={() => go(paths.sessions)}>
        <Plus size={15} />
      </IconButton>
      <Split here={here} />
    </nav>
  );
}

function PaneName({ pane }: { readonly pane: Pane }): ReactNode {
  const link = useLinks().find(({ host }) => host.id === pane.host);
  return <span className={css.paneName}>{link ? <Named link={link} id={pane.session} /> : "unknown host"}</span>;
}

function Named({ link, id }: { readonly link: ReturnType<typeof useLinks>[number]; readonly id: string }): ReactNode {
  const session = useStore(link.sessions)?.get(id);
  const isRecord = useStore(link.record) !== null;
  if (!session) return id.slice(0, 6);
  const look = lookIn(isRecord, session);
  return (
    <>
      <Dot {...(look.tone ? { tone: look.tone } : {})} hollow={look.hollow ?? false} label={look.word} />
      <bdi>{session.name}</bdi>
    </>
  );
}

/** Another live session beside the one that is shown. */
function Split({ here }: { readonly here: Pane }): ReactNode {
  const { tabs } = useStore(workspace);
  const links = useLinks();
  const tab = tabs.find((panes) => panes.some((pane) => isSame(pane, here))) ?? [];
  const others = links.flatMap((link) =>
    [...(link.sessions.value?.values() ?? [])]
      .filter((session) => lookOf(session).isLive && session.parent === "")
      .map((session) => ({ pane: { host: link.host.id, session: session.id }, name: session.name }))
      .filter(({ pane }) => !tab.some((one) => isSame(one, pane))),
  );
  if (tab.length >= MOST_PANES || others.length === 0) return null;
  return (
    <MenuButton
      label="Show another session beside it"
      icon={<Columns2 size={15} />}
      items={others.map((one) => ({ ...one, id: `${one.pane.host} ${one.pane.session}` }))}
      onAction={(id) => {
        const chosen = others.find(({ pane }) => `${pane.host} ${pane.session}` === id);
        if (chosen) workspace.set(withSplit(workspace.value, here, chosen.pane));
      }}
    >
      {(one) => (
        <MenuItem id={one.id}>
          <bdi>{one.name}</bdi>
        </MenuItem>
      )}
    </MenuButton>
  );
}
