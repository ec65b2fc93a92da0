/**
 * What no AI is shown of one session: the values of variables that the policy names, in the environments that its programs have had.
 *
 *   S1  A value that was learnt stays known for as long as this host has the session, ended or not; it is in memory alone.
 *   S2  What is masked goes by the policy in force: other names count at once, for what was printed before too.
 * Elsewhere: which forms of a value are looked for, and how (core/secret); records on their way to an AI (masked-records.ts).
 */
import { readFileSync, statSync } from "node:fs";
import { isSecretName, secret, usualSecretNames } from "@holdfast/core";

/** Of all values together, those that were learnt last first. Each of their bytes is some twelve states of the matcher. */
const MOST_BYTES = 16 * 1024;

export class Secrets {
  /** By their bytes, one byte a character: the variables that had that value. The last that was learnt stands last. */
  readonly #named = new Map<string, Set<string>>();
  #made: { readonly names: readonly string[]; readonly values: ReadonlySet<string>; readonly matcher: secret.Matcher } | null =
    null;
  readonly #read = new Map<string, { readonly mtimeNs: bigint; readonly names: readonly string[] }>();
  /** Set by whoever holds the session. */
  names: () => readonly string[] = () => usualSecretNames;

  /** An environment of the session's programs: K=V, between NULs. */
  learn(environ: Uint8Array): void {
    const text = Buffer.from(environ.buffer, environ.byteOffset, environ.length).toString("latin1");
    for (const variable of text.split("\0")) {
      const at = variable.indexOf("=");
      if (at <= 0 || !isSecretName(this.names(), variable.slice(0, at))) continue;
      this.#add(variable.slice(0, at), variable.slice(at + 1));
    }
  }

  /** The same of a file, if it is there and has changed since it was last looked at. */
  learnFile(path: string): void {
    try {
      const { mtimeNs } = statSync(path, { bigint: true });
      const names = this.names();
      if (this.#read.get(path)?.mtimeNs === mtimeNs && this.#read.get(path)?.names === names) return;
      this.learn(readFileSync(path));
      this.#read.set(path, { mtimeNs, names });
    } catch {
      // The process is gone, or the shell keeps none: what is known is known.
    }
  }

  /** What is known of another session may be in this one, where its own comes first. */
  learnFrom(other: Secrets): void {
    for (const [value, names] of [...other.#named, ...this.#named]) for (const name of names) this.#add(name, value);
  }

  #add(name: string, value: string): void {
    const names = this.#named.get(value) ?? new Set();
    const isNew = !names.has(name);
    this.#named.delete(value);
    this.#named.set(value, names.add(name));
    // One that was crowded out has its place again.
    if (isNew || (value.length <= MOST_BYTES && !this.#made?.values.has(value))) this.#made = null;
  }

  /** Null: there is nothing to mask. Another one as soon as something is learnt, or the policy names others. */
  get matcher(): secret.Matcher | null {
    const names = this.names();
    if (this.#made?.names !== names) {
      const patterns: Uint8Array[] = [];
      const values = new Set<string>();
      let left = MOST_BYTES;
      for (const [value, own] of [...this.#named].reverse()) {
        if (value.length > left || ![...own].some((name) => isSecretName(names, name))) continue;
        left -= value.length;
        values.add(value);
        patterns.push(...secret.patternsOf(Buffer.from(value, "latin1")));
      }
      this.#made = { names, values, matcher: new secret.Matcher(patterns) };
    }
    return this.#made.matcher.isEmpty ? null : this.#made.matcher;
  }

  /** A text that is whole: a title, a command line. */
  text(text: string): string {
    const { matcher } = this;
    if (!matcher || text === "") return text;
    const bytes = Buffer.from(text);
    const masked = Buffer.from(secret.maskWhole(matcher, bytes));
    return masked.equals(bytes) ? text : masked.toString();
  }

  /** The same with every text in it masked. Bytes are left as they are: they belong to streams. */
  inside<T>(value: T): T {
    if (!this.matcher) return value;
    return mapped(value, (text) => this.text(text)) as T;
  }
}

function mapped(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((v) => mapped(v, text));
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, mapped(v, text)]));
}
