/** What somebody comes to the policy for: the deed that waits for approval. It travels beside the address, which holds nothing of it. */
import { type Approval, type Deed, deeds } from "@holdfast/sdk";

export interface About {
  readonly host: string;
  readonly deed: Deed;
  /** Name. */
  readonly session: string;
  readonly operator: string;
  /** Empty: none, or one that is not told in words. */
  readonly command: string;
}

/** Null: no policy speaks of that. */
export function aboutOf(host: string, { deed, sessionName, actor, argv, what }: Approval): About | null {
  const known = deeds.find((one) => one === deed);
  if (!known) return null;
  const command = known === "exec" ? argv.join(" ") : known === "run" ? what.replace(RUNS, "") : "";
  return { host, deed: known, session: sessionName, operator: actor, command };
}

/** As the host words it. */
const RUNS = /^runs in the session's shell: /;

/** What a visit brought along, if it is that. */
export function aboutIn(state: unknown): About | null {
  const about = (state as { readonly about?: About } | null)?.about;
  return about && typeof about === "object" ? about : null;
}
