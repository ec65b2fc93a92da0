/** `cursor_pos` counts Unicode code points, JavaScript's indices UTF-16 units. A lone surrogate counts as one of either. */

/** `units`: 0 to the text's length; one in the middle of a pair counts as behind it. */
export function codePointsBefore(text: string, units: number): number {
  let points = 0;
  for (let at = 0; at < units && at < text.length; points++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return points;
}

/** `points` past the end is the end. */
export function unitsBefore(text: string, points: number): number {
  let at = 0;
  for (let n = 0; n < points && at < text.length; n++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}
