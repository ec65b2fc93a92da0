/**
 * What an approval is bound to (core/approval Q1): one deed in every particular, as a hash. Two deeds have one hash only if all of
 * this is equal; the request's own id and end are in it, so that an approval is good for its own request alone.
 */
import { createHash } from "node:crypto";
import type { Deed, OperatorId } from "@holdfast/core";

/** A question, and one for a secret, are asked where deeds are. */
export type Subject = Deed | "question" | "secret";

export interface Bound {
  readonly deed: Subject;
  /** Id; empty for what is about no session yet. */
  readonly session: string;
  readonly incarnation: number;
  readonly epoch: number;
  /** Who acts, then for whom. */
  readonly actors: readonly OperatorId[];
  /** What else tells it from others of its deed: a signal and its target, a path, a name. */
  readonly what: string;
  readonly argv: readonly string[];
  /** SHA-256 of what is typed or written, hex. */
  readonly data: string;
  readonly cwd: string;
  readonly executable: string;
  /** Hash of the environment that it runs in; empty where it has none of its own. */
  readonly env: string;
}

/** Each particular by the name that a person is told when it has changed. */
const names: Readonly<Record<keyof Bound, string>> = {
  deed: "what it does",
  session: "the session",
  incarnation: "the session's incarnation",
  epoch: "the floor",
  actors: "who acts",
  what: "what it does",
  argv: "the command",
  data: "the bytes",
  cwd: "the working directory",
  executable: "the program's file",
  env: "the environment",
};

/** The same for equal deeds, whoever asks when: what finds a request again. */
export function likenessOf(bound: Bound): string {
  return hash("likeness", bound);
}

export function bindingOf(bound: Bound, request: { readonly id: string; readonly expiresUnixMs: number }): string {
  return hash("approval", bound, request.id, String(request.expiresUnixMs));
}

/** What differs, in words. */
export function changeBetween(was: Bound, is: Bound): string {
  const changed = (Object.keys(names) as (keyof Bound)[]).filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]));
  return changed.map((key) => names[key]).join(", ");
}

function hash(purpose: string, bound: Bound, ...more: readonly string[]): string {
  // JSON of strings, numbers and lists of strings in a fixed order: no two values have one text.
  const particulars = (Object.keys(names) as (keyof Bound)[]).map((key) => bound[key]);
  return createHash("sha256")
    .update(JSON.stringify([`holdfast ${purpose} 1`, ...particulars, ...more]))
    .digest("hex");
}
