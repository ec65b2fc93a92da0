/** Colour for people: only on a terminal, never with NO_COLOR, and never carrying meaning alone. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const sgr = (on: string, off: string) => (text: string) => (text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`);
const same = (text: string) => text;

const coloured: Paint = {
  bold: sgr("1", "22"),
  dim: sgr("2", "22"),
  red: sgr("31", "39"),
  green: sgr("32", "39"),
  yellow: sgr("33", "39"),
  cyan: sgr("36", "39"),
};
const plain: Paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

export type ColourChoice = "auto" | "always" | "never";

export function paintFor(
  isTty: boolean,
  env: Readonly<Record<string, string | undefined>>,
  choice: ColourChoice = "auto",
): Paint {
  if (choice !== "auto") return choice === "always" ? coloured : plain;
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") return plain;
  return isTty || (env["FORCE_COLOR"] ?? "") !== "" ? coloured : plain;
}
