/**
 * What a terminal of xterm.js holds, as one text. It runs in pages too, as its own source, so each function stands alone.
 *   C1  Two terminals hold the same when every cell is the same: text, both colours, every attribute; of the screen and of {@link ABOVE} lines above it.
 */
import { createRequire } from "node:module";

/** What is asked of a terminal, in whichever page it is. */
export interface Xterm {
  readonly cols: number;
  readonly rows: number;
  readonly buffer: {
    readonly active: {
      readonly baseY: number;
      readonly cursorX: number;
      readonly cursorY: number;
      getLine(y: number): Line | undefined;
      getNullCell(): Cell;
    };
  };
  onRender(told: () => void): unknown;
  onWriteParsed(told: () => void): unknown;
}

interface Line {
  translateToString(trimRight?: boolean): string;
  getCell(x: number, cell?: Cell): Cell | undefined;
}

type Colour = "getFgColorMode" | "getFgColor" | "getBgColorMode" | "getBgColor";
type Mark =
  | "isBold"
  | "isDim"
  | "isItalic"
  | "isUnderline"
  | "isBlink"
  | "isInverse"
  | "isInvisible"
  | "isStrikethrough"
  | "isOverline";
type Cell = { getChars(): string } & { readonly [name in Colour | Mark]: () => number };

/** As many as the page asks its host for. */
export const ABOVE = 1_000;

/** C1. */
export function cellsOf(terminal: Xterm, above: number): string {
  const { active } = terminal.buffer;
  const out: string[] = [];
  let cell = active.getNullCell();
  for (let y = Math.max(0, active.baseY - above); y < active.baseY + terminal.rows; y++) {
    const line = active.getLine(y)!;
    out.push(line.translateToString(false));
    let before = "";
    for (let x = 0; x < terminal.cols; x++) {
      cell = line.getCell(x, cell)!;
      const marks =
        (cell.isBold() && 1) |
        (cell.isDim() && 2) |
        (cell.isItalic() && 4) |
        (cell.isUnderline() && 8) |
        (cell.isBlink() && 16) |
        (cell.isInverse() && 32) |
        (cell.isInvisible() && 64) |
        (cell.isStrikethrough() && 128) |
        (cell.isOverline() && 256);
      const looks = `${cell.getFgColorMode() + cell.getFgColor()} ${cell.getBgColorMode() + cell.getBgColor()} ${marks}`;
      if (looks !== before) out.push(`${x}: ${looks}`);
      before = looks;
    }
  }
  return out.join("\n");
}

/** 53 bits of a text: two that differ are taken for the same once in 10^16. */
export function hashOf(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

interface Headless extends Xterm {
  write(bytes: Uint8Array | string, done: () => void): void;
  dispose(): void;
}

interface Wish {
  readonly cols: number;
  readonly rows: number;
  readonly scrollback: number;
  readonly allowProposedApi: true;
}

/** The terminal model, from the package that has it. */
const { Terminal } = createRequire(new URL("../../packages/host/package.json", import.meta.url))("@xterm/headless") as {
  readonly Terminal: new (wish: Wish) => Headless;
};

/** What a fresh terminal of that size holds once it was told this. */
export async function drawn(
  told: Uint8Array | string,
  { cols, rows }: { readonly cols: number; readonly rows: number },
): Promise<string> {
  const terminal = new Terminal({ cols, rows, scrollback: 10_000, allowProposedApi: true });
  await new Promise<void>((done) => terminal.write(told, done));
  const cells = cellsOf(terminal, ABOVE);
  terminal.dispose();
  return cells;
}
