/** Who is here for one session alone is led to it when the page is opened: there is nothing else for them. */
import { SessionState } from "@holdfast/sdk";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import type { HostLink } from "../host/host-link.ts";
import { paths, sessionPath } from "../shell/routes.ts";

export function useGuestsWay(links: readonly HostLink[]): void {
  const [at, go] = useLocation();
  const isLed = useRef(at !== paths.sessions);
  const [only] = links;
  useEffect(() => {
    if (!only || links.length > 1 || only.host.session === null) return;
    const look = (): void => {
      const [session] = [...(only.sessions.value?.values() ?? [])].filter(({ state }) => state === SessionState.RUNNING);
      if (isLed.current || !session) return;
      isLed.current = true;
      go(sessionPath(only.host.id, session.id), { replace: true });
    };
    look();
    return only.sessions.follow(look);
  }, [links, only, go]);
}
