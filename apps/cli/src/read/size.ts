/** Terminal sizes as people write them: `80x24`, columns first. */
import { limits } from "@holdfast/sdk";

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

export function parseSize(text: string): TerminalSize | null {
  const found = /^(\d{1,5})[xX\u00d7](\d{1,5})$/.exec(text);
  if (!found) return null;
  const cols = Number(found[1]);
  const rows = Number(found[2]);
  const fits = cols >= limits.cols.min && cols <= limits.cols.max && rows >= limits.rows.min && rows <= limits.rows.max;
  return fits ? { cols, rows } : null;
}

export function formatSize(size: TerminalSize | undefined): string {
  return size ? `${size.cols}x${size.rows}` : "";
}
