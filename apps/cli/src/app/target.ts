/**
 * Which host a line is about: this machine's, one that listens at an address, or one behind a relay; said on the line, by a context, or by the
 * environment, the nearest first.
 *   T1  `--host` takes an address, or behind a relay a host's name; `HOST/SESSION` in place of a session names it too.
 *   T2  A context is a name for all that would else be typed each time. `local` is this machine.
 *   T4  A context may name a mirror of its host's record (docs/mirror.md), by the context's own name; where it names nothing else, all there is of that host is
 *       the mirror. A host's name that no relay is known for may be a context's.
 *   T5  A host may have joined several relays; they are named with commas between, the one that is liked best first, wherever one is. The host has the
 *       same name at all of them.
 *   T3  What stands on the line is meant, and nothing of the environment or the current context is mixed into it, but a relay for a host's name.
 */
import { relayedAddress } from "@holdfast/sdk";
import { usage } from "./fail.ts";

/** What a context stands for. */
export interface Place {
  /** T5. */
  readonly relay?: string;
  /** An address, or with `relay` a host's name. */
  readonly host?: string;
  readonly as?: string;
  /** T4: the address of who keeps it; its key lies elsewhere. */
  readonly mirror?: string;
}

export interface Contexts {
  /** Empty or `local`: this machine. */
  readonly current: string;
  readonly places: Readonly<Record<string, Place>>;
}

export const NO_CONTEXTS: Contexts = { current: "", places: {} };
export const LOCAL = "local";

export interface Said {
  readonly host: string | undefined;
  readonly relay: string | undefined;
  readonly context: string | undefined;
  readonly as: string | undefined;
}

export interface Target {
  /** Of the host, behind the first of `relays` if there are some; undefined: this machine's, or with `relays` the one that is there. */
  readonly url: string | undefined;
  /** T5: those that lead there. */
  readonly relays: readonly string[];
  readonly as: string | undefined;
  /** T4: the context whose mirror has the host's record. */
  readonly mirror?: string;
}

const isAddress = (text: string): boolean => text.includes("://");

/** Throws `usage` for a context that there is none of, and for a host's name without a relay. */
export function targetOf(said: Said, env: Readonly<Record<string, string | undefined>>, contexts: Contexts): Target {
  const environment: Said = {
    host: env["HOLDFAST_HOST"] || undefined,
    relay: env["HOLDFAST_RELAY"] || undefined,
    context: env["HOLDFAST_CONTEXT"] || undefined,
    as: env["HOLDFAST_AS"] || undefined,
  };
  const isSaid = said.host !== undefined || said.relay !== undefined || said.context !== undefined;
  const { host, relay, context } = isSaid ? said : environment;
  const isNamed = host === undefined && relay === undefined;
  const inUse = context ?? (isNamed ? contexts.current : "");
  const named = placeOf(inUse, contexts);
  const at = host ?? (relay === undefined ? named.host : undefined);
  // T3: a name alone may be meant at the relay that would be spoken to anyway, and who one is goes with that.
  const isName = at !== undefined && !isAddress(at);
  const place = isName && relay === undefined && !named.relay ? placeOf(contexts.current, contexts) : named;
  const through = relay ?? place.relay ?? (isName ? environment.relay : undefined);
  const isOfPlace = relay === undefined && (host === undefined || (isName && place.relay !== undefined));
  const as = said.as ?? (isOfPlace ? place.as : undefined) ?? environment.as;
  const mirror = mirrorOf(host === undefined ? inUse : "", at, contexts);
  const relays = relaysIn(through);
  if (at === undefined) return { url: undefined, relays, as, ...mirror };
  if (isAddress(at)) return { url: at, relays: [], as, ...mirror };
  if (through === undefined && host !== undefined && hasContext(contexts, host))
    return targetOf({ host: undefined, relay: undefined, context: host, as: said.as }, {}, contexts);
  if (through === undefined)
    throw usage(
      `${at} is no address of a host (wss://box.example:7433 is), and no relay is named that may know it: add --relay URL`,
    );
  return { url: relayedAddress(relays[0]!, at), relays, as, ...mirror };
}

/** T5. */
function relaysIn(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const relays = text.split(",").map((relay) => relay.trim());
  if (relays.includes("")) throw usage(`relays are named with a comma between two, not ${JSON.stringify(text)}`);
  return [...new Set(relays)];
}

/** T4. `inUse`: the context that all was taken from; `at`: the host that is meant. */
function mirrorOf(inUse: string, at: string | undefined, { places }: Contexts): { readonly mirror?: string } {
  if (places[inUse]?.mirror !== undefined) return { mirror: inUse };
  if (at === undefined) return {};
  const has = Object.entries(places).find(([name, p]) => p.mirror !== undefined && (p.host === at || name === at));
  return has ? { mirror: has[0] } : {};
}

export function hasContext({ places }: Contexts, name: string): boolean {
  return Object.hasOwn(places, name);
}

function placeOf(name: string, contexts: Contexts): Place {
  if (name === "" || name === LOCAL) return {};
  if (hasContext(contexts, name)) return contexts.places[name]!;
  throw usage(`there is no context ${JSON.stringify(name)}; hold context ls shows those there are`);
}

/** `HOST/SESSION`; null for a session alone: no name or id of one has a slash. */
export function splitHost(text: string): { readonly host: string; readonly session: string } | null {
  const [, host, session] = /^([a-z0-9][a-z0-9-]*)\/([^/\s]+)$/.exec(text) ?? [];
  return host === undefined || session === undefined ? null : { host, session };
}
