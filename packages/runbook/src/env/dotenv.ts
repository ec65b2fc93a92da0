/** `.env` files and their specs, from their text. */

/**
 * `NAME=value`, `export NAME=value`, `NAME: value`; comments and blank lines; single, double or back quotes over several lines.
 * In double quotes `\n` and `\r` are line breaks. A value without quotes ends at ` #`. A later line wins.
 */
export function parseEnv(text: string): Readonly<Record<string, string>> {
  const line =
    /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=[ \t]*?|:[ \t]+?)([ \t]*'(?:\\'|[^'])*'|[ \t]*"(?:\\"|[^"])*"|[ \t]*`(?:\\`|[^`])*`|[^#\r\n]+)?[ \t]*(?:#.*)?$/gm;
  const values: Record<string, string> = {};
  for (const [, name = "", said = ""] of text.replaceAll(/\r\n?/g, "\n").matchAll(line)) {
    const value = said.trim();
    const quote = /^(['"`])([\s\S]*)\1$/.exec(value);
    const inside = quote === null ? value : (quote[2] ?? "");
    Object.defineProperty(values, name, {
      value: quote?.[1] === '"' ? inside.replaceAll("\\n", "\n").replaceAll("\\r", "\r").replaceAll('\\"', '"') : inside,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return values;
}

export interface Spec {
  readonly name: string;
  readonly description: string;
  /** As written: `Plain`, `Secret`, `Password`, and what else a spec names. Default `Plain`. */
  readonly kind: string;
  /** Said by a `!` after the kind. */
  readonly isRequired: boolean;
  /** Not to be shown: every kind but `Plain`. */
  readonly isSecret: boolean;
}

/** Lines `NAME="description" # Kind` of a `.env.spec`. What is none of these is passed over. */
export function parseSpec(text: string): readonly Spec[] {
  const specs: Spec[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [whole, name = "", said = "", kind = "Plain", required] =
      /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*("[^"]*"|'[^']*'|[^#]*?)\s*(?:#\s*(\w+)(!)?.*)?$/.exec(line) ?? [];
    if (whole === undefined) continue;
    specs.push({
      name,
      description: said.replace(/^(["'])(.*)\1$/, "$2"),
      kind,
      isRequired: required === "!",
      isSecret: kind !== "Plain",
    });
  }
  return specs;
}

/** Best first: what Runme reads when nobody says otherwise. */
export const usualEnvFiles: readonly string[] = [".env.local", ".env"];

export interface Layer {
  /** Where its values are from: `session`, `.env`, `asked`, … */
  readonly source: string;
  readonly values: Readonly<Record<string, string | undefined>>;
}

export interface Resolved {
  readonly value: string;
  readonly source: string;
}

/** A later layer wins; undefined takes a variable away. */
export function resolveEnv(layers: readonly Layer[]): ReadonlyMap<string, Resolved> {
  const left = new Map<string, Resolved>();
  for (const { source, values } of layers) {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) left.delete(name);
      else left.set(name, { value, source });
    }
  }
  return left;
}
