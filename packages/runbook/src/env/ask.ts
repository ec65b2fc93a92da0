/**
 * Variables that a cell wants to be asked for: `export NAME=value` at the top of a shell script, without expansions.
 *
 *   V1  Only whole statements on lines of their own, outside of quotes, here-documents, compound commands and functions. What this
 *       reader does not follow it leaves alone: the script then runs as written.
 *   V2  The line is turned into a comment that keeps its number; what was written as a value stays in it, as it stands in the document.
 *       What somebody answers goes into no script.
 *   V3  A quoted literal is a placeholder, to be edited; words without quotes are a message; nothing is asked for that is known.
 */
import type { PromptEnv } from "../cell/index.ts";

export interface Ask {
  readonly name: string;
  readonly status: "resolved" | "unresolved" | "message" | "placeholder";
  /** By its name or a spec: read without echo, and kept out of every record. */
  readonly isSecret: boolean;
  /** What the document says: the placeholder or the message. */
  readonly said: string;
  /** Of `resolved`; null for a secret, which whoever runs the cell takes from where it is kept. */
  readonly value: string | null;
}

export interface AskOptions {
  readonly promptEnv: PromptEnv;
  readonly env: (name: string) => string | undefined;
  readonly isSecret: (name: string) => boolean;
  /** `first` (default): the first answer stays, the line is cut. `last`: the line runs too, and sets what it says. */
  readonly retention?: "first" | "last";
}

export interface Asked {
  readonly script: string;
  readonly asks: readonly Ask[];
}

const assignment =
  /^([A-Za-z_]\w*)(?:=(?:"((?:[^"\\$`]|\\.)*)"|'([^']*)'|([^\s"'$`;&|<>(){}#*?[\]\\]*(?:[ \t]+[^\s"'$`;&|<>(){}#*?[\]\\=]+)*)))?[ \t]*(?:#.*)?$/;

export function askFor(script: string, options: AskOptions): Asked {
  const lines = script.split("\n");
  const asks = new Map<string, Ask>();
  const isTop = topLines(lines);
  const left = lines.map((line, i) => {
    const said = isTop[i] === true ? /^\s*export[ \t]+(.*)$/.exec(line)?.[1] : undefined;
    const read = said === undefined ? null : assignment.exec(said);
    const name = read?.[1];
    if (read === null || name === undefined) return line;
    const quoted = read[2]?.replaceAll(/\\(["\\$`])/g, "$1") ?? read[3];
    if (!asks.has(name)) asks.set(name, askOf(name, quoted, read[4]?.trim() ?? "", options));
    return options.retention === "last" ? line : `# ${name} set in managed env store: ${JSON.stringify(line.trim())}`;
  });
  return { script: left.join("\n"), asks: [...asks.values()] };
}

/** V3. */
function askOf(name: string, quoted: string | undefined, words: string, options: AskOptions): Ask {
  const said = quoted ?? words;
  const ask = { name, isSecret: options.isSecret(name), said };
  const known = options.env(name);
  if (options.promptEnv === "never") return { ...ask, status: "resolved", value: ask.isSecret ? null : (known ?? said) };
  if (options.promptEnv === "auto" && known !== undefined)
    return { ...ask, status: "resolved", value: ask.isSecret ? null : known };
  return { ...ask, status: quoted !== undefined ? "placeholder" : words === "" ? "unresolved" : "message", value: null };
}

/** V1: for each line whether a simple statement may begin there. From the first thing not followed, none. */
function topLines(lines: readonly string[]): readonly boolean[] {
  const result: boolean[] = [];
  let compounds = 0;
  let braces = 0;
  let brackets = 0;
  let quote = "";
  let isContinued = false;
  const documents: { end: string; isIndented: boolean }[] = [];
  for (const line of lines) {
    const document = documents[0];
    if (document !== undefined) {
      result.push(false);
      if ((document.isIndented ? line.replace(/^\t+/, "") : line) === document.end) documents.shift();
      continue;
    }
    result.push(compounds + braces + brackets === 0 && quote === "" && !isContinued);
    const { bare, open } = withoutQuotes(line, quote);
    quote = open;
    isContinued = /(^|[^\\])(\\\\)*\\$/.test(line) || (/(\|\||&&|\|)\s*$/.test(bare) && open === "");
    const code = bare.replace(/(^|\s)#.*$/, "");
    for (const word of code.split(/[\s;&|]+/)) {
      if (/^(if|case|for|while|until|select)$/.test(word)) compounds++;
      else if (/^(fi|esac|done)$/.test(word)) compounds = Math.max(0, compounds - 1);
    }
    // Apart from each other: a pattern of `case` ends with a bracket that nothing opened.
    braces = Math.max(0, braces + count(code, "{") - count(code, "}"));
    brackets = Math.max(0, brackets + count(code, "(") - count(code, ")"));
    for (const [, dash, a, b, c] of line.matchAll(/(?<!<)<<(-?)[ \t]*(?:'([^']+)'|"([^"]+)"|\\?([\w.-]+))/g)) {
      documents.push({ end: a ?? b ?? c ?? "", isIndented: dash === "-" });
    }
  }
  return result;
}

const count = (text: string, mark: string): number => text.split(mark).length - 1;

/** A line without what is quoted, and the quote that stays open. */
function withoutQuotes(line: string, quote: string): { bare: string; open: string } {
  let bare = "";
  let open = quote;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? "";
    if (open === "" && c === "#" && (i === 0 || /\s/.test(line[i - 1] ?? ""))) break;
    if (c === "\\" && open !== "'") i++;
    else if (open === "" && /["'`]/.test(c)) open = c;
    else if (c === open) open = "";
    else if (open === "") bare += c;
  }
  return { bare, open };
}
