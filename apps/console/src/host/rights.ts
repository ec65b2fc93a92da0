/** What a host lets this browser do, as the host tells it: what it would refuse is not offered. What it has not told of yet is. */
import { useMemo } from "react";
import { useStores } from "../store.ts";
import type { HostLink } from "./host-link.ts";

/** With a session of the host that it sees. */
export const mayIn = ({ rights }: HostLink, right: string): boolean => rights.value?.names.has(right) ?? true;

/** With the host, of which a guest has nothing but their session. `right` null: what needs none. */
export function mayOn({ rights: { value } }: HostLink, right: string | null): boolean {
  return value === null || (value.session === null && (right === null || value.names.has(right)));
}

/** Those for which {@link mayOn} holds, as they tell. */
export function useThoseThatLet(links: readonly HostLink[], right: string | null): readonly HostLink[] {
  const told = useStores(useMemo(() => links.map(({ rights }) => rights), [links]));
  // biome-ignore lint/correctness/useExhaustiveDependencies: as they tell
  return useMemo(() => links.filter((link) => mayOn(link, right)), [links, right, told]);
}
