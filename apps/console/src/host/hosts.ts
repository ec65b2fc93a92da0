/** All hosts of this browser, each with its link; the page's one piece of state that is not a view's. */
import type { HostClient } from "@holdfast/sdk";
import { createContext, useContext, useMemo, useRef } from "react";
import { forgetPlaces } from "../session/place.ts";
import { withoutHost, workspace } from "../session/workspace.ts";
import { Store, useStore, useStores } from "../store.ts";
import { HostLink, type HostState } from "./host-link.ts";
import { forgetHost, hostIdIn, joinHost, type KnownHost, knownHosts } from "./known-hosts.ts";

export class Hosts {
  readonly links = new Store<readonly HostLink[]>([]);

  /** Those that are known already. Throws where the browser keeps nothing. */
  static async load(): Promise<Hosts> {
    const hosts = new Hosts();
    hosts.links.set((await knownHosts()).map((host) => new HostLink(host)));
    return hosts;
  }

  /** A browser that is an operator there already stays who it is, and spends no invitation. Throws what the host says to it. */
  async join(invitation: string): Promise<KnownHost> {
    const known = await this.#knownBy(invitation);
    if (known) return known;
    const host = await joinHost(invitation);
    const others = this.links.value.filter((link) => link.host.id !== host.id);
    for (const link of this.links.value) if (link.host.id === host.id) link.end();
    this.links.set([...others, new HostLink(host)]);
    return host;
  }

  async #knownBy(invitation: string): Promise<KnownHost | null> {
    const id = await hostIdIn(invitation);
    const link = this.links.value.find(({ host }) => host.id === id);
    if (!link || link.host.session !== null) return null;
    return (await link.settled()) ? link.host : null;
  }

  async forget(id: string): Promise<void> {
    await forgetHost(id);
    for (const link of this.links.value) if (link.host.id === id) link.end();
    this.links.set(this.links.value.filter((link) => link.host.id !== id));
    forgetPlaces(id);
    workspace.set(withoutHost(workspace.value, id));
  }
}

const HostsContext = createContext<Hosts | null>(null);
export const HostsProvider = HostsContext.Provider;

export function useHosts(): Hosts {
  const hosts = useContext(HostsContext);
  if (!hosts) throw new Error("a view of hosts stands outside HostsProvider");
  return hosts;
}

export const useLinks = (): readonly HostLink[] => useStore(useHosts().links);

export function useLink(id: string): HostLink | null {
  return useLinks().find((link) => link.host.id === id) ?? null;
}

export const useHostState = (link: HostLink): HostState => useStore(link.state);

/** A host that is away for a while takes nothing away that is read already. */
export function useLastClient(link: HostLink): HostClient | null {
  const state = useHostState(link);
  const last = useRef<HostClient | null>(null);
  if (state.is === "up") last.current = state.client;
  return last.current;
}

/** Of all of them, drawn again when one changes. */
export function useHostStates(links: readonly HostLink[]): readonly HostState[] {
  return useStores(useMemo(() => links.map(({ state }) => state), [links]));
}
