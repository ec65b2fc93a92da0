/** `\r` and `\b` as a terminal of endless width has them: the first goes to the start of the line, the second back by one. */

/** A run of SGR, a control, or one character with the marks that stand on it. */
const PART = /((?:\x1b\[[\d;:]*m)+)|([\r\b])|(\P{M}\p{M}*|\p{M}+)/gsu;

interface Drawn {
  readonly style: string;
  readonly text: string;
}

/** The text as it stands in the end; each character keeps the colours in which it was written. Takes what {@link sanitized} gives. */
export function overwritten(text: string): string {
  if (!/[\r\b]/.test(text)) return text;
  let style = "";
  return text
    .split("\n")
    .map((line) => {
      const drawn = drawLine(line, style);
      style = drawn.style;
      return drawn.text;
    })
    .join("\n");
}

function drawLine(line: string, before: string): Drawn {
  const cells: Drawn[] = [];
  let style = before;
  let at = 0;
  for (const [, sgr, control, text = ""] of line.matchAll(PART)) {
    if (sgr !== undefined) style = styleAfter(style, sgr);
    else if (control !== undefined) at = control === "\r" ? 0 : Math.max(0, at - 1);
    else cells[at++] = { style, text };
  }
  return { text: joined(cells, before, style), style };
}

/** What stands before a character at most: a style is written again at each change, and nobody sets more without a reset. */
const MAX_STYLE = 1_024;

/** The sequences since the last that resets, the latest ones. */
function styleAfter(style: string, sgr: string): string {
  const all = style + sgr;
  const reset = Math.max(all.lastIndexOf("\x1b[0m"), all.lastIndexOf("\x1b[m"), 0);
  if (all.length - reset <= MAX_STYLE) return all.slice(reset);
  const from = all.indexOf("\x1b", all.length - MAX_STYLE);
  return from < 0 ? "" : all.slice(from);
}

function joined(cells: readonly Drawn[], before: string, after: string): string {
  let style = before;
  const parts = cells.map((cell) => {
    const change = cell.style === style ? "" : cell.style.startsWith("\x1b[0m") ? cell.style : `\x1b[0m${cell.style}`;
    style = cell.style;
    return change + cell.text;
  });
  if (style !== after) parts.push(after.startsWith("\x1b[0m") ? after : `\x1b[0m${after}`);
  return parts.join("");
}
