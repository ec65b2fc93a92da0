/**
 * What the page's worker answers by itself, so that the page opens while no host answers.
 *   O1  The page's own files alone, by the list that was made with them, and the page for each of its addresses. Anything else is the network's: the link,
 *       what hosts answer, what a port of a session serves.
 *   O2  What is named by its content is taken from what is kept; the page itself, and what keeps its name, from its host while that answers.
 */
import { paths } from "../shell/routes.ts";

export interface Asked {
  readonly method: string;
  readonly url: string;
  /** `navigate`: an address that the browser goes to. */
  readonly mode: string;
}

export type Answer =
  | { readonly from: "network" }
  /** O2: the kept file of that path, at once or where its host does not answer. */
  | { readonly from: "kept" | "host"; readonly path: string };

const NETWORK: Answer = { from: "network" };
const places = Object.values(paths).map((path) => new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`));

export function answerTo({ method, url, mode }: Asked, origin: string, files: readonly string[]): Answer {
  const { origin: asked, pathname, search } = new URL(url);
  if (method !== "GET" || asked !== origin) return NETWORK;
  if (mode === "navigate") return places.some((place) => place.test(pathname)) ? { from: "host", path: "/index.html" } : NETWORK;
  if (search !== "" || !files.includes(pathname)) return NETWORK;
  return { from: isNamedByContent(pathname) ? "kept" : "host", path: pathname };
}

export const isNamedByContent = (path: string): boolean => path.startsWith("/assets/");
