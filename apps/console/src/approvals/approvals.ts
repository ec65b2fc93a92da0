/** What AIs ask people for, over all hosts of this browser, live. */
import type { Approval } from "@holdfast/sdk";
import { useEffect, useState } from "react";
import type { HostLink } from "../host/host-link.ts";

export interface Asked {
  readonly id: string;
  readonly link: HostLink;
  readonly approval: Approval;
}

/** Those that wait for somebody, soonest over first. */
export function useAsked(links: readonly HostLink[]): readonly Asked[] {
  const [all, set] = useState<ReadonlyMap<string, readonly Asked[]>>(new Map());
  useEffect(() => {
    const over = new AbortController();
    const told = (link: HostLink, approvals: readonly Approval[]): void =>
      set((before) =>
        new Map(before).set(
          link.host.id,
          approvals.filter(isPending).map((approval) => asked(link, approval)),
        ),
      );
    const stops = links.map((link) => follow(link, (approvals) => told(link, approvals), over.signal));
    return () => {
      over.abort();
      for (const stop of stops) stop();
    };
  }, [links]);
  const here = links.flatMap((link) => all.get(link.host.id) ?? []);
  return here.toSorted((a, b) => a.approval.expiresUnixMs - b.approval.expiresUnixMs);
}

const isPending = ({ state }: Approval): boolean => state === "pending";
const asked = (link: HostLink, approval: Approval): Asked => ({ id: `${link.host.id} ${approval.id}`, link, approval });

/** Over every client that the host has while somebody looks: a link that breaks is followed by another. */
function follow(link: HostLink, told: (approvals: readonly Approval[]) => void, signal: AbortSignal): () => void {
  let watched: unknown = null;
  const look = (): void => {
    const state = link.state.value;
    if (state.is !== "up") return told([]);
    if (watched === state.client || signal.aborted) return;
    watched = state.client;
    state.client.approvals.watch(told, signal).catch(() => {
      watched = null;
      told([]);
    });
  };
  look();
  return link.state.follow(look);
}
