/** One panel beside a session's terminal. */
import type { HostClient, Session } from "@holdfast/sdk";
import type { ComponentType } from "react";
import type { HostLink } from "../host/host-link.ts";

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
