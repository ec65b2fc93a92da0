/** What the host says that this browser may do there. Before it has said anything, nothing is taken away. */
import type { HostClient } from "@holdfast/sdk";
import { useCallback, useSyncExternalStore } from "react";
import type { HostLink } from "./host-link.ts";

/** As roles name them: `session.create`. */
export type Right = NonNullable<HostClient["operator"]["operator"]>["capabilities"][number];

const may = (link: HostLink, right: Right): boolean => link.rights.value?.has(right) ?? true;

export const useMay = (link: HostLink, right: Right): boolean => useSyncExternalStore(link.rights.follow, () => may(link, right));

/** On one of these at least. */
export function useMayOnAny(links: readonly HostLink[], right: Right): boolean {
  const follow = useCallback(
    (changed: () => void) => {
      const stops = links.map((link) => link.rights.follow(changed));
      return () => {
        for (const stop of stops) stop();
      };
    },
    [links],
  );
  return useSyncExternalStore(follow, () => links.length === 0 || links.some((link) => may(link, right)));
}
