/** The panel beside a session's terminal: which is open, its button, and where it stands. */
import type { Session } from "@holdfast/sdk";
import { type ReactNode, Suspense, useState } from "react";
import { useLocation } from "wouter";
import { IconButton } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useLastClient } from "../host/hosts.ts";
import { useShortcut } from "../keys/use-keys.ts";
import type { Panel } from "./panel.ts";
import { hasRoomForTwo } from "./panels.ts";
import css from "./session.module.css";

/** Where there is no room for two, a panel opens as its own screen. */
export function usePanel(hostId: string, sessionId: string): { panel: Panel | null; toggle: (panel: Panel) => void } {
  const [, go] = useLocation();
  const [panel, setPanel] = useState<Panel | null>(null);
  const toggle = (one: Panel): void => {
    if (hasRoomForTwo()) setPanel(panel === one ? null : one);
    else if (sessionId) go(one.path(hostId, sessionId));
  };
  return { panel, toggle };
}

export interface PanelButtonProps {
  readonly panel: Panel;
  readonly isOpen: boolean;
  readonly onPress: () => void;
}

export function PanelButton({ panel, isOpen, onPress }: PanelButtonProps): ReactNode {
  const shortcut = useShortcut(panel.id);
  return (
    <IconButton label={panel.title} shortcut={shortcut} aria-pressed={isOpen} onPress={onPress}>
      <panel.icon size={16} />
    </IconButton>
  );
}

export interface BesideProps {
  readonly panel: Panel;
  readonly link: HostLink;
  readonly session: Session;
}

export function Beside({ panel, link, session }: BesideProps): ReactNode {
  const client = useLastClient(link);
  if (!client) return null;
  return (
    <aside className={css.panel} aria-label={panel.title}>
      <Suspense fallback={null}>
        <panel.component link={link} client={client} session={session} />
      </Suspense>
    </aside>
  );
}
