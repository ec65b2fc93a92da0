/**
 * Pictures that code shows, in a terminal: by kitty's protocol or iTerm2's where the terminal says that it has one, else in a file whose
 * path is told. Sources: kitty, "Terminal graphics protocol" (a=T, f=100, pieces of 4,096); iTerm2, "Inline images protocol" (OSC 1337).
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KernelSaid } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";

export interface Picture {
  readonly mime: "image/png" | "image/jpeg" | "image/gif" | "image/svg+xml" | "application/pdf";
  readonly bytes: Buffer;
}

const ENDINGS: Readonly<Record<Picture["mime"], string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/svg+xml": "svg",
  "application/pdf": "pdf",
};
const KITTY_PIECE = 4_096;

/** The first of a display's pictures that a person can look at; null: it has none. */
export function pictureOf({ type, content }: Pick<KernelSaid, "type" | "content">): Picture | null {
  if (type !== "display_data" && type !== "execute_result" && type !== "update_display_data") return null;
  const data = (content["data"] ?? {}) as Record<string, unknown>;
  for (const mime of Object.keys(ENDINGS) as Picture["mime"][]) {
    const value = data[mime];
    const text = Array.isArray(value) ? value.join("") : value;
    if (typeof text !== "string") continue;
    return { mime, bytes: mime === "image/svg+xml" ? Buffer.from(text) : Buffer.from(text, "base64") };
  }
  return null;
}

export type Graphics = "kitty" | "iterm2" | null;

/** What the terminal says of itself; asking it would steal what a person types. */
export function graphicsOf(env: Readonly<Record<string, string | undefined>>): Graphics {
  const program = env["TERM_PROGRAM"] ?? "";
  // A multiplexer in between passes neither on.
  if (env["TMUX"] || env["STY"]) return null;
  if (env["KITTY_WINDOW_ID"] || env["TERM"] === "xterm-kitty" || env["TERM"] === "xterm-ghostty" || program === "ghostty")
    return "kitty";
  if (program === "iTerm.app" || program === "WezTerm" || env["LC_TERMINAL"] === "iTerm2") return "iterm2";
  return null;
}

/** The sequence that draws it; null: this terminal draws no such picture. */
export function drawn(graphics: Graphics, { mime, bytes }: Picture): string | null {
  const base64 = bytes.toString("base64");
  if (graphics === "iterm2" && mime !== "image/svg+xml")
    return `\x1b]1337;File=inline=1;size=${bytes.length};preserveAspectRatio=1:${base64}\x07\n`;
  if (graphics !== "kitty" || mime !== "image/png") return null;
  const pieces = base64.match(new RegExp(`.{1,${KITTY_PIECE}}`, "g")) ?? [];
  const more = (i: number): string => `m=${i < pieces.length - 1 ? 1 : 0}`;
  return `${pieces.map((piece, i) => `\x1b_G${i === 0 ? `a=T,f=100,${more(i)}` : more(i)};${piece}\x1b\\`).join("")}\n`;
}

/** Draws it, or keeps it in a file of this user's and says where. */
export function showPicture(context: Context, picture: Picture): void {
  const sequence = context.out.isTty ? drawn(graphicsOf(context.env), picture) : null;
  if (sequence !== null) return context.out.write(sequence);
  line(context.err, `(picture: ${keptPicture(context.env, picture)})`);
}

/** The path of a file of this user's that has it. */
export function keptPicture(env: Context["env"], picture: Picture): string {
  const folder = join(env["XDG_RUNTIME_DIR"] || tmpdir(), `hold-pictures-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = createHash("sha256").update(picture.bytes).digest("hex").slice(0, 12);
  const path = join(folder, `${name}.${ENDINGS[picture.mime]}`);
  writeFileSync(path, picture.bytes, { mode: 0o600 });
  return path;
}
