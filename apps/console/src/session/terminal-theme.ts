/** The terminal's colours in both schemes: text of 4.5 and more on its ground, and sixteen that can be told apart. */
import type { ITheme } from "@xterm/xterm";

const dark: ITheme = {
  background: "#0b0e0f",
  foreground: "#d6dddf",
  cursor: "#3fc7a6",
  cursorAccent: "#0b0e0f",
  selectionBackground: "#2a5a4e",
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

const light: ITheme = {
  background: "#ffffff",
  foreground: "#1b2326",
  cursor: "#0b7a63",
  cursorAccent: "#ffffff",
  selectionBackground: "#bfe5da",
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
  brightGreen: "#1b8a49",
  brightYellow: "#a06b00",
  brightBlue: "#2f74dd",
  brightMagenta: "#9a49cf",
  brightCyan: "#0e8490",
  brightWhite: "#12181a",
};

export const themes = { dark, light } as const;
