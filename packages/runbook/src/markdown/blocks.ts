/**
 * Where the code blocks of a CommonMark text lie, to the character. What a block means is cell/; front matter is taken off before.
 *
 *   B1  Every fenced and every indented block, in lists and quotes too, in the order of the text.
 *   B2  All positions are offsets in UTF-16 units into the text as given: `text.slice(start, end)` is what was read.
 *   B3  A line's content is a slice too: what its containers (`> `, a list's indentation) and the block's own indentation put
 *       before it lies outside.
 */
import { parse, postprocess, preprocess } from "micromark";

/** `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Block {
  /** From the fence (or the first line's content) to the end of the last line, without its line ending. */
  readonly span: Span;
  readonly fence: Fence | null;
  /** Content of each line, without fences. */
  readonly lines: readonly Span[];
  /** The paragraph just before, in the same container. */
  readonly intro: Span | null;
  /** Where the outermost quote or list begins that it lies in; without one, its intro or itself. */
  readonly top: number;
}

export interface Fence {
  readonly mark: "`" | "~";
  /** At least 3. */
  readonly length: number;
  readonly opening: Span;
  /** Null: the block ends with its container or the text. */
  readonly closing: Span | null;
  /** What follows the opening fence, without white space around it; empty where there is nothing. */
  readonly info: Span;
}

interface Open {
  readonly start: number;
  readonly top: number;
  readonly isFenced: boolean;
  readonly intro: Span | null;
  readonly fences: Span[];
  readonly lines: (Span | null)[];
  readonly starts: number[];
  info: Span | null;
}

const containers = new Set(["blockQuote", "listOrdered", "listUnordered"]);
const flow = new Set(["atxHeading", "setextHeading", "thematicBreak", "htmlFlow", "definition", "codeFenced", "codeIndented"]);

export function blocksOf(text: string): readonly Block[] {
  // A line break of ours goes first: micromark drops a byte order mark at the very start, which would shift every offset.
  const events = postprocess(
    parse()
      .document()
      .write(preprocess()(`\n${text}`, undefined, true)),
  );
  const blocks: Block[] = [];
  const before: (Span | null)[] = [null];
  const outer: number[] = [];
  let open: Open | null = null;
  for (const [step, token] of events) {
    const span = { start: token.start.offset - 1, end: token.end.offset - 1 };
    const name: string = token.type;
    if (step === "enter") {
      if (containers.has(name)) {
        before.push(null);
        outer.push(span.start);
      }
      if (name === "listItemPrefix") before[before.length - 1] = null;
      if (name === "codeFenced" || name === "codeIndented") {
        const isFenced = name === "codeFenced";
        const first = isFenced ? [] : [null];
        const intro = before.at(-1) ?? null;
        const top = outer[0] ?? intro?.start ?? span.start;
        open = { start: span.start, top, isFenced, intro, fences: [], lines: first, starts: [span.start], info: null };
      }
      if (open === null) continue;
      if (name === "codeFencedFenceSequence") open.fences.push(span);
      if (name === "codeFencedFenceInfo") open.info = span;
      if (name === "codeFencedFenceMeta") open.info = { start: open.info?.start ?? span.start, end: span.end };
      if (name === "codeFlowValue" && open.lines.length > 0) open.lines[open.lines.length - 1] = span;
      if (name === "lineEnding") {
        open.lines.push(null);
        open.starts.push(span.end);
      }
      // What stands before the content of a line that turns out to be empty.
      if (/Prefix|Whitespace|linePrefix|listItemIndent/.test(name)) open.starts[open.starts.length - 1] = span.end;
    } else {
      if (containers.has(name)) {
        before.pop();
        outer.pop();
      }
      if (name === "paragraph") before[before.length - 1] = span;
      else if (flow.has(name) || containers.has(name)) before[before.length - 1] = null;
      if (open !== null && (name === "codeFenced" || name === "codeIndented")) {
        blocks.push(closed(text, open, span.end));
        open = null;
      }
    }
  }
  return blocks;
}

function closed(text: string, open: Open, end: number): Block {
  const offset = open.starts.length - open.lines.length;
  const lines = open.lines.map((line, i) => {
    const at = Math.min(open.starts[i + offset] ?? end, end);
    return line ?? { start: at, end: at };
  });
  const [opening, closing = null] = open.fences;
  if (!open.isFenced || opening === undefined) {
    const first = lines[0]?.start ?? open.start;
    return { span: { start: first, end }, fence: null, lines, intro: open.intro, top: open.top };
  }
  // The last line is the closing fence's, or the nothing after a last line break.
  if (closing !== null || /[\r\n]/.test(text[end - 1] ?? "")) lines.pop();
  const info = open.info ?? { start: opening.end, end: opening.end };
  const mark = text[opening.start] === "~" ? "~" : "`";
  const fence: Fence = { mark, length: opening.end - opening.start, opening, closing, info };
  return { span: { start: opening.start, end: closing?.end ?? end }, fence, lines, intro: open.intro, top: open.top };
}

/** What a line must begin with to lie where the text at `at` lies: quote marks kept, list marks turned into spaces. */
export function containerPrefix(text: string, at: number): string {
  const from = Math.max(text.lastIndexOf("\n", at - 1), text.lastIndexOf("\r", at - 1)) + 1;
  const prefix = text.slice(from, at).replace(/[^>\s]/g, " ");
  // A quote mark takes one space with it, which would be the first of an indented line.
  return prefix.endsWith(">") ? `${prefix} ` : prefix;
}
