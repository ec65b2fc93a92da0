/** A session and the host that has it: an id is a host's own. */
import type { Session } from "@holdfast/sdk";
import type { HostLink } from "../host/host-link.ts";

export interface Listed {
  readonly id: string;
  readonly link: HostLink;
  readonly session: Session;
}
