/**
 * The forms in which a known secret may stand in output: as it is, line by line, in base64 at each of its three alignments, in hex, and
 * escaped for a URL or for JSON.
 *
 *   F1  Blanks and controls are in no pattern, as they count for nothing in the text (mask.ts K3): a form that is wrapped, indented or
 *       written in columns is the same form.
 *   F2  A form of more than {@link PIECE_BYTES} is several patterns of so many bytes, the last one of its end: a part of it that is
 *       shown (the end of a file, what has not scrolled away) is known too, and nothing longer need be held back.
 */

/** Of a pattern. So much of a form is no coincidence, and two lines of a key that are left on a screen hold one. */
export const PIECE_BYTES = 32;
/** Shorter values and lines would be found in ordinary text. */
export const LEAST_BYTES = 8;

/** Its place in the text counts for nothing: blanks, line ends, controls. */
export function isBlank(byte: number): boolean {
  return byte <= 0x20 || byte === 0x7f;
}

/** The patterns of one value, each of {@link LEAST_BYTES} to {@link PIECE_BYTES}; none for a value that is too short. */
export function patternsOf(value: Uint8Array): Uint8Array[] {
  if (solid(value).length < LEAST_BYTES) return [];
  const lines = linesOf(value);
  const text = lines.length > 1 ? joined(lines) : value;
  const forms = [text, ...lines, written(text, json)];
  for (const as of hexes) forms.push(written(value, as));
  for (const as of urls) forms.push(written(text, as));
  for (const before of [0, 1, 2]) {
    const coded = base64Of(value, before);
    forms.push(
      coded,
      coded.map((c) => (c === PLUS ? MINUS : c === SLASH ? UNDERSCORE : c)),
    );
  }
  // Many are the same, for a value of letters and digits.
  const different = forms.filter((form, i) => !forms.slice(0, i).some((other) => isSame(form, other)));
  return different.map(solid).flatMap(piecesOf);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function piecesOf(form: Uint8Array): Uint8Array[] {
  if (form.length < LEAST_BYTES) return [];
  if (form.length <= PIECE_BYTES) return [form];
  const pieces = [form.slice(-PIECE_BYTES)];
  for (let at = 0; at + PIECE_BYTES <= form.length; at += PIECE_BYTES) pieces.push(form.slice(at, at + PIECE_BYTES));
  return pieces;
}

const solid = (bytes: Uint8Array): Uint8Array => bytes.filter((byte) => !isBlank(byte));

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Without the frame of a PEM block, which is the same for everybody: a row of dashes is no secret's beginning. */
function linesOf(value: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < value.length; ) {
    const end = value.indexOf(LINE_END, from);
    const line = value.subarray(from, end < 0 ? value.length : end);
    if (!DASHES.every((b, i) => b === line[i])) lines.push(line);
    from += line.length + 1;
  }
  return lines;
}

function joined(lines: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(lines.flatMap((line, i) => (i === 0 ? [...line] : [LINE_END, ...line])));
}
const LINE_END = 0x0a;
const DASHES = ascii("-----");

/** What each byte is written as. */
type Writing = readonly Uint8Array[];

function writing(one: (byte: number, character: string) => string): Writing {
  return Array.from({ length: 256 }, (_, byte) => ascii(one(byte, String.fromCharCode(byte))));
}

function written(value: Uint8Array, as: Writing): Uint8Array {
  const out = new Uint8Array(value.reduce((n, byte) => n + as[byte]!.length, 0));
  let at = 0;
  for (const byte of value) {
    out.set(as[byte]!, at);
    at += as[byte]!.length;
  }
  return out;
}

const digits = (byte: number): string => byte.toString(16).padStart(2, "0");
const hexes: readonly Writing[] = [writing(digits), writing((byte) => digits(byte).toUpperCase())];

/** RFC 3986, unreserved; and what `encodeURIComponent` leaves besides. */
const urls: readonly Writing[] = [/[A-Za-z0-9_.~-]/, /[A-Za-z0-9_.~!*'()-]/].flatMap((kept) => [
  writing((byte, c) => (byte < 0x80 && kept.test(c) ? c : `%${digits(byte)}`)),
  writing((byte, c) => (byte < 0x80 && kept.test(c) ? c : `%${digits(byte).toUpperCase()}`)),
]);
const json = writing((byte, c) => (byte < 0x80 ? JSON.stringify(c).slice(1, -1) : c));

const PLUS = 0x2b;
const SLASH = 0x2f;
const MINUS = 0x2d;
const UNDERSCORE = 0x5f;
const base64 = ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** The characters that the value alone decides, when so many other bytes stand `before` it. */
function base64Of(value: Uint8Array, before: number): Uint8Array {
  const bits = (i: number): number => (i < before ? 0 : (value[i - before] ?? 0));
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor(((before + value.length) * 8) / 6);
  const coded = new Uint8Array(end - first);
  for (let i = first; i < end; i++) {
    const byte = (i * 6) >> 3;
    const two = (bits(byte) << 8) | bits(byte + 1);
    coded[i - first] = base64[(two >> (10 - ((i * 6) & 7))) & 63]!;
  }
  return coded;
}
