/**
 * Tables that fit: columns as wide as what they hold, shrunk in a stated order until the whole fits the terminal, and left out in
 * that order where their least widths alone would not.
 *   T1  No line is wider than `width`, unless the first column's least width and those without `give` are.
 *   T2  Cells are escaped here; a caller can't forget it.
 */
import { escapeText } from "@holdfast/sdk";
import { cutTo, padTo, textWidth } from "./width.ts";

export interface Column {
  readonly title: string;
  /** Least width when space is short. Absent: never shrunk. */
  readonly least?: number;
  /** Columns with a higher one shrink first, and go first where there is no room for all. The first column never goes. */
  readonly give?: number;
  readonly right?: boolean;
  readonly paint?: (text: string, row: number) => string;
}

const between = "  ";

export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  options: { readonly head?: (text: string) => string } = {},
): string[] {
  const cells = rows.map((row) => columns.map((_, i) => escapeText(row[i] ?? "")));
  let shown = columns.map((_, i) => i).filter((i) => cells.some((row) => row[i] !== ""));
  const widths = new Map(
    shown.map((i) => [i, Math.max(textWidth(columns[i]!.title), ...cells.map((row) => textWidth(row[i]!)))]),
  );
  const total = () => [...widths.values()].reduce((sum, w) => sum + w, 0) + between.length * Math.max(0, shown.length - 1);
  for (const i of [...shown]
    .filter((i) => columns[i]!.least !== undefined)
    .sort((a, b) => (columns[b]!.give ?? 0) - (columns[a]!.give ?? 0))) {
    const over = total() - width;
    if (over <= 0) break;
    widths.set(i, Math.max(columns[i]!.least!, widths.get(i)! - over));
  }
  const going = shown.slice(1).filter((i) => columns[i]!.give !== undefined);
  for (const i of going.sort((a, b) => columns[b]!.give! - columns[a]!.give!)) {
    if (total() <= width) break;
    widths.delete(i);
    shown = shown.filter((other) => other !== i);
  }
  const line = (values: readonly string[], row: number, paint?: (text: string) => string) =>
    shown
      .map((i, at) => {
        const room = widths.get(i)!;
        const text = cutTo(values[i]!, room);
        const padded = columns[i]!.right
          ? " ".repeat(Math.max(0, room - textWidth(text))) + text
          : at === shown.length - 1
            ? text
            : padTo(text, room);
        return paint ? paint(padded) : (columns[i]!.paint?.(padded, row) ?? padded);
      })
      .join(between)
      .trimEnd();
  return [
    line(
      columns.map((c) => c.title),
      -1,
      options.head ?? ((t) => t),
    ),
    ...cells.map((row, at) => line(row, at)),
  ];
}

/** `key   value` lines with the keys aligned; empty values are left out. */
export function pairs(
  entries: readonly (readonly [string, string | null | undefined])[],
  paintKey: (text: string) => string = (t) => t,
): string[] {
  const kept = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...kept.map(([key]) => textWidth(key)));
  return kept.map(([key, value]) => `${paintKey(padTo(key, width))}  ${escapeText(value!)}`);
}
