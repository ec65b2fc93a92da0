/**
 * A file's content for a page: what it is by its bytes, and what may be made of it.
 *   F1  Nothing of a file becomes HTML of this page: text is text, and what a browser would draw is drawn in a frame without an origin and without scripts.
 */

/** Beyond this a file is saved, and not shown. */
export const SHOWN_BYTES = 2 * 1024 * 1024;

export type Content =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "picture"; readonly type: string }
  | { readonly is: "binary" }
  | { readonly is: "large" };

const SIGNATURES: readonly (readonly [type: string, bytes: readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

/** `bytes`: all of the file, or its beginning if it has more than {@link SHOWN_BYTES}. */
export function contentOf(bytes: Uint8Array, size: number): Content {
  const picture = SIGNATURES.find(([, signature]) => signature.every((byte, i) => bytes[i] === byte))?.[0];
  if (size > SHOWN_BYTES) return { is: "large" };
  if (picture) return { is: "picture", type: picture };
  if (bytes.includes(0)) return { is: "binary" };
  try {
    return { is: "text", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { is: "binary" };
  }
}

/** `12 B`, `3.4 KiB`, `1.2 GiB` */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let [n, unit] = [bytes / 1024, 0];
  for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
  return `${n < 10 ? n.toFixed(1) : n.toFixed(0)} ${units[unit]}`;
}

/** Of a folder and a name in it, or `..`. */
export function pathIn(folder: string, name: string): string {
  if (name !== "..") return folder === "/" ? `/${name}` : `${folder}/${name}`;
  const up = folder.slice(0, folder.lastIndexOf("/"));
  return up === "" ? "/" : up;
}

/** Each folder on the way, with where it is: `/`, `/home`, `/home/ana`. */
export function stepsOf(path: string): readonly { readonly name: string; readonly path: string }[] {
  const names = path.split("/").filter(Boolean);
  return [{ name: "/", path: "/" }, ...names.map((name, i) => ({ name, path: `/${names.slice(0, i + 1).join("/")}` }))];
}
