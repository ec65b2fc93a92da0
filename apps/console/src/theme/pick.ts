/** Reads a theme file of this device; it goes nowhere. */
import { trustedXml } from "../trusted.ts";
import { isPlist, MOST_CHARS, type Plist, type ReadThemes, themeInPlist, themesInJson } from "./theme-file.ts";

export async function readThemeFile(file: File): Promise<ReadThemes> {
  if (file.size > MOST_CHARS) return { ok: false, why: "it is larger than 1 MiB: no theme is" };
  const text = await file.text();
  const name = file.name.replace(/\.[^.]+$/, "");
  if (!isPlist(text)) return themesInJson(text, name);
  const list = plistIn(text);
  return list
    ? themeInPlist(list, name)
    : { ok: false, why: "it begins like an iTerm2 file, but is no property list that can be read" };
}

function plistIn(text: string): Plist | null {
  const xml = trustedXml(text);
  if (xml === null) return null;
  const read = new DOMParser().parseFromString(xml, "text/xml");
  const dict = read.querySelector("plist > dict");
  return read.querySelector("parsererror") || !dict ? null : entriesOf(dict);
}

function entriesOf(dict: Element): Plist {
  const entries: [string, number | Plist][] = [];
  for (const key of dict.children) {
    const value = key.nextElementSibling;
    if (key.tagName !== "key" || !value) continue;
    const name = key.textContent ?? "";
    if (value.tagName === "dict") entries.push([name, entriesOf(value)]);
    else if (value.tagName === "real" || value.tagName === "integer") entries.push([name, Number(value.textContent)]);
  }
  return Object.fromEntries(entries);
}
