/** One panel beside a session's terminal. */
import type { HostClient, Session } from "@holdfast/sdk";
import type { ComponentType, LazyExoticComponent } from "react";
import type { HostLink } from "../host/host-link.ts";
import type { ActionId } from "../keys/action.ts";

export interface PanelProps {
  readonly link: HostLink;
  readonly client: HostClient;
  readonly session: Session;
}

export interface Panel {
  /** And of the action that opens and closes it by keys. */
  readonly id: Extract<ActionId, "timeline" | "files">;
  readonly title: string;
  readonly icon: ComponentType<{ readonly size: number }>;
  readonly component: LazyExoticComponent<ComponentType<PanelProps>>;
  readonly path: (hostId: string, sessionId: string) => string;
}
