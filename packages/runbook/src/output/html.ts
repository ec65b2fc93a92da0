/** A document as a page to be read: CommonMark by micromark, which lets no HTML of the document's and no other protocols than the web's through. */
import { micromark } from "micromark";
import { parse } from "../document/index.ts";

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const style =
  "body{max-width:48rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}pre{overflow:auto;padding:.75rem;background:#8882}code{font-family:ui-monospace,monospace}";

/** Whole, with nothing that it loads but images that the document names. Front matter is left out. */
export function writeHtml(text: string, title: string): string {
  const body = parse(text)
    .pieces.filter((piece) => piece.kind !== "mark" && piece.kind !== "frontMatter")
    .map((piece) => piece.text)
    .join("");
  return [
    "<!doctype html>",
    `<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escaped(title)}</title><style>${style}</style></head>`,
    `<body>\n${micromark(body)}\n</body></html>`,
    "",
  ].join("\n");
}
