/** The panel beside a session's terminal: which is open, its button, and where it stands. */
import type { Session } from "@holdfast/sdk";
import { type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { IconButton } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useLastClient } from "../host/hosts.ts";
import { useShortcut } from "../keys/use-keys.ts";
import type { Panel } from "./panel.ts";
import { hasRoomForTwo } from "./panels.ts";
import css from "./session.module.css";

export interface PanelChoice {
  readonly panel: Panel | null;
  /** It was opened by keys: they lead from it to the terminal, and from there nowhere. */
  readonly takesFocus: boolean;
  readonly toggle: (panel: Panel, byKeys: boolean) => void;
}

/** Where there is no room for two, a panel opens as its own screen. */
export function usePanel(hostId: string, sessionId: string): PanelChoice {
  const [, go] = useLocation();
  const [panel, setPanel] = useState<Panel | null>(null);
  const [takesFocus, setTakesFocus] = useState(false);
  const toggle = (one: Panel, byKeys: boolean): void => {
    setTakesFocus(byKeys);
    if (hasRoomForTwo()) setPanel(panel === one ? null : one);
    else if (sessionId) go(one.path(hostId, sessionId));
  };
  return { panel, takesFocus, toggle };
}

export interface PanelButtonProps {
  readonly panel: Panel;
  readonly isOpen: boolean;
  readonly onPress: (byKeys: boolean) => void;
}

export function PanelButton({ panel, isOpen, onPress }: PanelButtonProps): ReactNode {
  const shortcut = useShortcut(panel.id);
  return (
    <IconButton
      label={panel.title}
      shortcut={shortcut}
      aria-pressed={isOpen}
      onPress={({ pointerType }) => onPress(pointerType === "keyboard" || pointerType === "virtual")}
    >
      <panel.icon size={16} />
    </IconButton>
  );
}

export interface BesideProps {
  readonly panel: Panel;
  readonly takesFocus: boolean;
  readonly link: HostLink;
  readonly session: Session;
}

export function Beside({ panel, takesFocus, link, session }: BesideProps): ReactNode {
  const box = useRef<HTMLElement>(null);
  const client = useLastClient(link);
  useEffect(() => {
    if (takesFocus) box.current?.focus();
  }, [takesFocus]);
  if (!client) return null;
  return (
    <aside className={css.panel} aria-label={panel.title} tabIndex={-1} ref={box}>
      <Suspense fallback={null}>
        <panel.component link={link} client={client} session={session} />
      </Suspense>
    </aside>
  );
}
