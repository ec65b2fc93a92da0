/** What can stand beside a session's terminal, one at a time: a button in its bar each, a key, and a screen of its own where there is no room for two. */
import type { HostClient, Session } from "@holdfast/sdk";
import { History } from "lucide-react";
import type { ComponentType } from "react";
import type { HostLink } from "../host/host-link.ts";
import { timelinePath } from "../shell/routes.ts";
import { TimelinePanel } from "../timeline/timeline-panel.tsx";

export interface PanelProps {
  readonly link: HostLink;
  readonly client: HostClient;
  readonly session: Session;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly icon: ComponentType<{ readonly size: number }>;
  /** With Ctrl and Shift. */
  readonly key: string;
  readonly component: ComponentType<PanelProps>;
  readonly path: (hostId: string, sessionId: string) => string;
}

export const panels: readonly Panel[] = [
  { id: "timeline", title: "Timeline", icon: History, key: "L", component: TimelinePanel, path: timelinePath },
];

/** Below, a panel is a screen of its own. */
const ROOM_FOR_TWO = "(min-width: 56rem)";
export const hasRoomForTwo = (): boolean => matchMedia(ROOM_FOR_TWO).matches;
