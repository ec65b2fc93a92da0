/** xterm's 256 default colours and the forms in which colour queries are answered. */
import type { ModeState } from "./core-terminal.ts";

export interface DefaultColors {
  readonly foreground: string;
  readonly background: string;
  readonly cursor: string;
}
/** What a program is told when it asks and nothing was set: light on dark, as most terminals are. `rgb:rrrr/gggg/bbbb`. */
export const DEFAULT_COLORS: DefaultColors = {
  foreground: "rgb:e5e5/e5e5/e5e5",
  background: "rgb:0000/0000/0000",
  cursor: "rgb:e5e5/e5e5/e5e5",
};

const BASE = [
  "000000",
  "cd0000",
  "00cd00",
  "cdcd00",
  "0000ee",
  "cd00cd",
  "00cdcd",
  "e5e5e5",
  "7f7f7f",
  "ff0000",
  "00ff00",
  "ffff00",
  "5c5cff",
  "ff00ff",
  "00ffff",
  "ffffff",
];

/** The colour in force at an index, as `rgb:rrrr/gggg/bbbb`. */
export function indexedColor(modes: ModeState, index: number): string {
  const set = modes.colors.get(index);
  if (set !== undefined) return canonical(set);
  if (index < 16) return canonical(`#${BASE[index]}`);
  if (index >= 232) {
    const grey = (8 + (index - 232) * 10).toString(16).padStart(2, "0");
    return canonical(`#${grey}${grey}${grey}`);
  }
  const cube = index - 16;
  const part = (n: number): string => (n === 0 ? 0 : 55 + n * 40).toString(16).padStart(2, "0");
  return canonical(`#${part(Math.floor(cube / 36))}${part(Math.floor(cube / 6) % 6)}${part(cube % 6)}`);
}

/** Any spec that the tracker keeps, in the one form of an answer: no byte of a reply is the program's own. */
export function canonical(spec: string): string {
  const parts = spec.startsWith("#")
    ? (spec.slice(1).match(new RegExp(`.{${(spec.length - 1) / 3}}`, "g")) ?? [])
    : spec.slice(4).split("/");
  return `rgb:${parts.map((p) => scale(p, spec.startsWith("#"))).join("/")}`;
}

/** `#fff` means its digits are the high ones; `rgb:f/f/f` scales. */
function scale(hex: string, isHash: boolean): string {
  if (isHash) return hex.length === 2 ? hex + hex : hex.padEnd(4, "0");
  return Math.round((parseInt(hex, 16) / (16 ** hex.length - 1)) * 0xffff)
    .toString(16)
    .padStart(4, "0");
}
