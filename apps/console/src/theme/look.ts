/** What the page's terminals look like: what was chosen, in the scheme that is. */
import { scheme } from "../design/scheme.ts";
import { type Settings, settings } from "../settings.ts";
import { type Readable, Store } from "../store.ts";
import { coloursNamed } from "./built-in.ts";
import type { Look } from "./theme.ts";

/** The page's own letters, which come with it, and what stands in for them. */
export const OWN_FAMILY = '"JetBrains Mono Variable", ui-monospace, "DejaVu Sans Mono", monospace';

const chosen = new Store<Look>(lookOf(settings.value));
const changed = (): void => chosen.set(lookOf(settings.value));
settings.follow(changed);
scheme.follow(changed);

export const look: Readable<Look> = chosen;

function lookOf({ themes, imported, letterFamily, letterPx, readsAloud }: Settings): Look {
  return {
    colours: coloursNamed(themes[scheme.value], imported, scheme.value),
    fontFamily: letterFamily === "" ? OWN_FAMILY : `${letterFamily}, ${OWN_FAMILY}`,
    letterPx,
    readsAloud,
  };
}
