/** The line above a session: who is there, who steers, and what can be opened beside it and done with it. */
import type { Session } from "@holdfast/sdk";
import { ArrowLeft, SearchIcon, X } from "lucide-react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { Avatar } from "../design/avatar.tsx";
import { IconButton } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { mayIn } from "../host/rights.ts";
import { useShortcut } from "../keys/use-keys.ts";
import type { Deed } from "../sessions/deed.tsx";
import { DeedMenu } from "../sessions/deed-menu.tsx";
import { lookOf } from "../sessions/state.ts";
import { Bar } from "../shell/bar.tsx";
import { paths } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import { PanelButton } from "./beside.tsx";
import { FloorBar } from "./floor-bar.tsx";
import type { Panel } from "./panel.ts";
import { panels } from "./panels.ts";
import css from "./session.module.css";
import { closePane } from "./tabs.tsx";
import type { TerminalView } from "./terminal-view.ts";

export interface SessionBarProps {
  readonly link: HostLink;
  readonly view: TerminalView;
  readonly session: Session | null;
  readonly isAlone: boolean;
  /** The one that is open. */
  readonly panel: Panel | null;
  readonly onPanel: (panel: Panel, byKeys: boolean) => void;
  readonly onFind: () => void;
  readonly onDeed: (deed: Deed) => void;
}

export function SessionBar({ link, view, session, isAlone, panel, onPanel, onFind, onDeed }: SessionBarProps): ReactNode {
  const presence = useStore(view.presence);
  const floor = useStore(view.floor);
  const shortcut = useShortcut("find");
  // A command that an AI runs steers from a seat of its own, which nobody looks from.
  const isSeated = presence.some((p) => p.attachment === floor?.seat);
  const isRecord = useStore(link.record) !== null;
  useStore(link.rights);
  const isEnded = session !== null && !lookOf(session).isLive;
  return (
    <Bar title={session?.name ?? "Session"} lead={<Away link={link} session={session} isAlone={isAlone} />}>
      <ul className={css.people} aria-label="Who is here">
        {presence.map((p) => (
          <li key={p.attachment}>
            <Avatar
              name={p.name}
              kind={p.kind}
              via={p.via}
              steers={isSeated ? p.attachment === floor?.seat : p.operator === floor?.holder}
            />
          </li>
        ))}
      </ul>
      {isEnded || isRecord ? null : <FloorBar view={view} />}
      <IconButton label="Search what was printed" shortcut={shortcut} onPress={onFind}>
        <SearchIcon size={16} />
      </IconButton>
      {panels
        .filter((one) => one.id !== "files" || mayIn(link, "session.input"))
        .map((one) => (
          <PanelButton key={one.id} panel={one} isOpen={one === panel} onPress={(byKeys) => onPanel(one, byKeys)} />
        ))}
      {session ? <DeedMenu one={{ id: session.id, link, session }} onDeed={onDeed} /> : null}
    </Bar>
  );
}

/** From one that stands alone back to the list; of several, one is closed. */
function Away({ link, session, isAlone }: Pick<SessionBarProps, "link" | "session" | "isAlone">): ReactNode {
  const [, go] = useLocation();
  if (isAlone)
    return (
      <IconButton label="All sessions" onPress={() => go(paths.sessions)}>
        <ArrowLeft size={16} />
      </IconButton>
    );
  return (
    <IconButton
      label="Close this pane: the session lives on"
      onPress={() => session && closePane({ host: link.host.id, session: session.id }, go, true)}
    >
      <X size={16} />
    </IconButton>
  );
}
