/**
 * A terminal's colours as a value: xterm's names, each an sRGB colour `#rrggbb` or `#rrggbbaa`.
 *   T1  A theme has a ground and letters at least; what else it does not say is as in the page's own theme of the same lightness.
 *   T2  A colour is a number and nothing else: what is written into a style by its name can't be more than a colour.
 */

export const COLOURS = [
  ...(["background", "foreground", "cursor", "cursorAccent"] as const),
  ...(["selectionBackground", "selectionForeground", "selectionInactiveBackground"] as const),
  ...(["scrollbarSliderBackground", "scrollbarSliderHoverBackground", "scrollbarSliderActiveBackground"] as const),
  ...(["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const),
  ...(["brightBlack", "brightRed", "brightGreen", "brightYellow"] as const),
  ...(["brightBlue", "brightMagenta", "brightCyan", "brightWhite"] as const),
] as const;

export type Colour = (typeof COLOURS)[number];
export type Colours = Readonly<Partial<Record<Colour, string>>> & { readonly background: string; readonly foreground: string };

export interface Theme {
  /** By which it is chosen: 1 to 64 characters, one line. */
  readonly name: string;
  readonly colours: Colours;
}

/** What a terminal looks like, and whether it is read aloud. */
export interface Look {
  readonly colours: Colours;
  /** As CSS has it: families, the first that is there. */
  readonly fontFamily: string;
  readonly letterPx: number;
  readonly readsAloud: boolean;
}

/** `#rrggbb` or `#rrggbbaa` in small letters, of those or of `#rgb` and `#rgba`; null for anything else. */
export function readColour(text: unknown): string | null {
  if (typeof text !== "string") return null;
  const digits = /^#([0-9a-f]+)$/i.exec(text.trim())?.[1]?.toLowerCase();
  if (digits === undefined || ![3, 4, 6, 8].includes(digits.length)) return null;
  return `#${digits.length < 6 ? digits.replace(/./g, "$&$&") : digits}`;
}

/** T1, T2: what was kept, if it is a theme. */
export function readTheme(kept: unknown): Theme | null {
  const { name, colours } = (kept ?? {}) as { readonly name?: unknown; readonly colours?: Readonly<Record<string, unknown>> };
  const read = coloursOf(colours ?? {});
  return typeof name === "string" && name !== "" && name.length <= 64 && read ? { name, colours: read } : null;
}

/** T1: null without a ground and letters. Colours that are none are left out. */
export function coloursOf(named: Readonly<Record<string, unknown>>): Colours | null {
  const read = Object.fromEntries(
    COLOURS.flatMap((name) => {
      const colour = readColour(named[name]);
      return colour === null ? [] : [[name, colour]];
    }),
  );
  return "background" in read && "foreground" in read ? (read as Colours) : null;
}

/** WCAG's contrast of two colours, 1 to 21; how they shine through is not counted. */
export function contrastOf(one: string, other: string): number {
  const [darker, lighter] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

export const isDark = ({ background }: Colours): boolean => luminanceOf(background) < 0.18;

function luminanceOf(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
