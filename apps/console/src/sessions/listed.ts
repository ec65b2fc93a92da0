/** A session and the host that has it: an id is a host's own. */
import type { Session } from "@holdfast/sdk";
import { useEffect, useState } from "react";
import type { HostLink } from "../host/host-link.ts";
import { lookOf } from "./state.ts";

export interface Listed {
  readonly id: string;
  readonly link: HostLink;
  readonly session: Session;
}

/** Live first, then the newest; commands of `exec` are no sessions of their own. Null before any host has answered. */
export function useListed(links: readonly HostLink[]): readonly Listed[] | null {
  const [all, set] = useState<readonly Listed[] | null>(() => listed(links));
  useEffect(() => {
    const look = (): void => set(listed(links));
    look();
    const stops = links.map((link) => link.sessions.follow(look));
    return () => {
      for (const stop of stops) stop();
    };
  }, [links]);
  return all;
}

/** A session that has not changed is listed by the same object, so that a view of a thousand draws the one that has. */
const known = new WeakMap<Session, Listed>();

function listedOf(link: HostLink, session: Session): Listed {
  const before = known.get(session);
  if (before?.link === link) return before;
  const one = { id: `${link.host.id} ${session.id}`, link, session };
  known.set(session, one);
  return one;
}

function listed(links: readonly HostLink[]): readonly Listed[] | null {
  if (links.every((link) => link.sessions.value === null)) return null;
  return links
    .flatMap((link) =>
      [...(link.sessions.value?.values() ?? [])].filter(({ parent }) => parent === "").map((session) => listedOf(link, session)),
    )
    .sort(
      (a, b) =>
        Number(lookOf(b.session).isLive) - Number(lookOf(a.session).isLive) ||
        Number(b.session.createdUnixMs - a.session.createdUnixMs),
    );
}
