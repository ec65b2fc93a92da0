/** The terminal's own themes. Holdfast's: text of 4.5 and more on its ground, and sixteen colours that can be told apart. */
import { type Colours, isDark, type Theme } from "./theme.ts";

const dark: Colours = {
  background: "#0b0e0f",
  foreground: "#d6dddf",
  cursor: "#3fc7a6",
  cursorAccent: "#0b0e0f",
  selectionBackground: "#2a5a4e",
  scrollbarSliderBackground: "#2a3236",
  scrollbarSliderHoverBackground: "#3a4448",
  scrollbarSliderActiveBackground: "#4a565b",
  black: "#2a3236",
  red: "#f0787f",
  green: "#5fcf80",
  yellow: "#e5b95c",
  blue: "#6ea8fe",
  magenta: "#c69af5",
  cyan: "#4fc8d0",
  white: "#c9d1d3",
  brightBlack: "#7d8b90",
  brightRed: "#ff9a9f",
  brightGreen: "#86e3a1",
  brightYellow: "#f5d283",
  brightBlue: "#9cc4ff",
  brightMagenta: "#dcbcff",
  brightCyan: "#83e2e8",
  brightWhite: "#ffffff",
};

const light: Colours = {
  background: "#ffffff",
  foreground: "#1b2326",
  cursor: "#0b7a63",
  cursorAccent: "#ffffff",
  selectionBackground: "#bfe5da",
  scrollbarSliderBackground: "#d6dddd",
  scrollbarSliderHoverBackground: "#bcc6c6",
  scrollbarSliderActiveBackground: "#9fabab",
  black: "#1b2326",
  red: "#b4232f",
  green: "#14713a",
  yellow: "#8a5a00",
  blue: "#1c5fc4",
  magenta: "#8033b3",
  cyan: "#0b6f78",
  white: "#5c696d",
  brightBlack: "#66757a",
  brightRed: "#d03440",
  brightGreen: "#178343",
  brightYellow: "#a06b00",
  brightBlue: "#2f74dd",
  brightMagenta: "#9a49cf",
  brightCyan: "#0b7984",
  brightWhite: "#12181a",
};

const contrastDark: Colours = {
  ...dark,
  ...{ background: "#000000", foreground: "#ffffff", cursor: "#ffff00", cursorAccent: "#000000", selectionBackground: "#0050a0" },
  ...{ black: "#595959", red: "#ff8a8a", green: "#7cf29a", yellow: "#ffe066", blue: "#99c2ff" },
  ...{
    magenta: "#ffb3ff",
    cyan: "#80f0ff",
    white: "#ffffff",
    brightBlack: "#b3b3b3",
    brightRed: "#ffb3b3",
    brightGreen: "#b3ffc6",
  },
  ...{ brightYellow: "#fff0a8", brightBlue: "#c7deff", brightMagenta: "#ffd6ff", brightCyan: "#c2f7ff", brightWhite: "#ffffff" },
};

const contrastLight: Colours = {
  ...light,
  ...{ background: "#ffffff", foreground: "#000000", cursor: "#000000", cursorAccent: "#ffffff", selectionBackground: "#b3d4ff" },
  ...{ black: "#000000", red: "#8c0000", green: "#00470f", yellow: "#523800", blue: "#00308f" },
  ...{
    magenta: "#5c0080",
    cyan: "#00444d",
    white: "#474747",
    brightBlack: "#4d4d4d",
    brightRed: "#990f0f",
    brightGreen: "#0a5218",
  },
  ...{ brightYellow: "#614400", brightBlue: "#0d3c99", brightMagenta: "#6b1a8c", brightCyan: "#0d5059", brightWhite: "#000000" },
};

/** Ethan Schoonover's Solarized: sixteen colours in both, as its author gives them. */
const solarized = {
  ...{
    black: "#073642",
    red: "#dc322f",
    green: "#859900",
    yellow: "#b58900",
    blue: "#268bd2",
    magenta: "#d33682",
    cyan: "#2aa198",
  },
  ...{ white: "#eee8d5", brightBlack: "#002b36", brightRed: "#cb4b16", brightGreen: "#586e75", brightYellow: "#657b83" },
  ...{ brightBlue: "#839496", brightMagenta: "#6c71c4", brightCyan: "#93a1a1", brightWhite: "#fdf6e3" },
};
const solarizedDark = {
  ...{ background: "#002b36", foreground: "#839496", cursor: "#93a1a1", cursorAccent: "#002b36", selectionBackground: "#073642" },
  ...solarized,
};
const solarizedLight = {
  ...{ background: "#fdf6e3", foreground: "#657b83", cursor: "#586e75", cursorAccent: "#fdf6e3", selectionBackground: "#eee8d5" },
  ...solarized,
};

export const builtIn = [
  { name: "Holdfast light", colours: light },
  { name: "Holdfast dark", colours: dark },
  { name: "High contrast light", colours: contrastLight },
  { name: "High contrast dark", colours: contrastDark },
  { name: "Solarized Light", colours: solarizedLight },
  { name: "Solarized Dark", colours: solarizedDark },
] as const satisfies readonly Theme[];

/** By name, with what it leaves unsaid (T1); the page's own of that scheme where there is none of that name. */
export function coloursNamed(name: string, imported: readonly Theme[], scheme: "light" | "dark"): Colours {
  const theme = [...imported, ...builtIn].find((one) => one.name === name)?.colours ?? (scheme === "dark" ? dark : light);
  const base = isDark(theme) ? dark : light;
  return { ...base, cursor: theme.foreground, cursorAccent: theme.background, ...theme };
}
