/** What a screen about one session waits for: its host, that answers, and the session in its list. */
import type { HostClient, Session } from "@holdfast/sdk";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Empty } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLastClient, useLink } from "../host/hosts.ts";
import { Bar } from "../shell/bar.tsx";
import { paths } from "../shell/routes.ts";
import { useStore } from "../store.ts";

export interface OnSessionProps {
  readonly hostId: string;
  readonly sessionId: string;
  readonly children: (there: { readonly link: HostLink; readonly client: HostClient; readonly session: Session }) => ReactNode;
}

export function OnSession({ hostId, ...props }: OnSessionProps): ReactNode {
  const link = useLink(hostId);
  return link ? <OnLink link={link} {...props} /> : <UnknownHost />;
}

function OnLink({ link, sessionId, children }: Omit<OnSessionProps, "hostId"> & { readonly link: HostLink }): ReactNode {
  const client = useLastClient(link);
  const sessions = useStore(link.sessions);
  const session = sessions?.get(sessionId);
  if (client && session) return children({ link, client, session });
  if (!sessions || session) return <Waiting link={link} />;
  return (
    <>
      <Bar title="Session" />
      <Empty title="There is no such session">
        <p>{link.name} has no record of it, or it is not yours to see.</p>
        <Link to={paths.sessions}>All sessions</Link>
      </Empty>
    </>
  );
}

export function UnknownHost(): ReactNode {
  return (
    <>
      <Bar title="Session" />
      <Empty title="This browser does not know that host">
        <p>The address is of a host that was forgotten here, or was never known.</p>
        <Link to={paths.hosts}>Hosts</Link>
      </Empty>
    </>
  );
}

/** For a host that has not answered yet, or refuses to. */
export function Waiting({ link, title = "Session" }: { readonly link: HostLink; readonly title?: string }): ReactNode {
  const state = useHostState(link);
  return (
    <>
      <Bar title={title} />
      <Empty title={state.is === "refused" ? `${link.name} refuses this browser` : `Waiting for ${link.name}`}>
        <p>{"why" in state ? state.why : "It is being dialled."}</p>
      </Empty>
    </>
  );
}
