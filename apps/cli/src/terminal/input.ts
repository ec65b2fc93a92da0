/**
 * What the person's terminal sends, told apart: keys for the session, an interrupt, a paste, reports of the terminal (mouse, focus),
 * and commands behind the prefix key.
 *   I1  What is sent is what came: the pieces' bytes are the input's, in order, less the prefix key and the command keys.
 *   I2  A paste is never searched for the prefix key. A paste is what stands between the terminal's paste brackets, or a read larger
 *       than {@link pasteBytes}, with the reads that follow at once.
 *   I3  The prefix key is known in every spelling: as a byte, and as kitty's and xterm's keyboards write it.
 */
export type Action =
  | { readonly kind: "keys"; readonly bytes: Uint8Array }
  | { readonly kind: "interrupt"; readonly bytes: Uint8Array }
  /** A part of a paste; `last`: the paste is over. */
  | { readonly kind: "paste"; readonly bytes: Uint8Array; readonly last: boolean }
  /** Mouse and focus: of use to who steers, and no reason to take the floor. */
  | { readonly kind: "report"; readonly bytes: Uint8Array }
  /** A key behind the prefix, by its character or name. */
  | { readonly kind: "command"; readonly key: string };

export const pasteBytes = 1024;
const pasteBegin = Buffer.from("\x1b[200~");
const pasteEnd = Buffer.from("\x1b[201~");
const interrupts = new Set([0x03, 0x1c, 0x1a]);
const reports = /^(?:\x1b\[(?:I|O|<[\d;]+[Mm]|M[\s\S]{3}))+$/;

export class InputReader {
  readonly #prefix: string;
  readonly #prefixByte: number;
  #pending = false;
  /** Inside the terminal's paste brackets; what was held back of a possible end. */
  #paste: { tail: Uint8Array } | null = null;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#prefixByte = prefix.charCodeAt(0);
  }

  get waitsForCommand(): boolean {
    return this.#pending;
  }

  feed(read: Uint8Array): Action[] {
    const actions: Action[] = [];
    let bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    while (bytes.length > 0) {
      if (this.#paste) {
        bytes = this.#insidePaste(bytes, actions);
        continue;
      }
      const begin = bytes.indexOf(pasteBegin);
      if (begin < 0) {
        this.#outside(bytes, actions);
        break;
      }
      if (begin > 0) this.#outside(bytes.subarray(0, begin), actions);
      this.#pending = false;
      this.#paste = { tail: pasteBegin };
      bytes = bytes.subarray(begin + pasteBegin.length);
    }
    return actions;
  }

  /** Gives what follows the paste's end; holds back a possible beginning of the end. */
  #insidePaste(read: Buffer, actions: Action[]): Buffer {
    const bytes = Buffer.concat([this.#paste!.tail, read]);
    const end = bytes.indexOf(pasteEnd);
    if (end >= 0) {
      this.#paste = null;
      actions.push({ kind: "paste", bytes: bytes.subarray(0, end + pasteEnd.length), last: true });
      return bytes.subarray(end + pasteEnd.length);
    }
    let kept = 0;
    for (let n = Math.min(pasteEnd.length - 1, bytes.length); n > 0 && kept === 0; n--)
      if (bytes.subarray(bytes.length - n).equals(pasteEnd.subarray(0, n))) kept = n;
    this.#paste = { tail: Uint8Array.from(bytes.subarray(bytes.length - kept)) };
    if (bytes.length > kept) actions.push({ kind: "paste", bytes: bytes.subarray(0, bytes.length - kept), last: false });
    return Buffer.alloc(0);
  }

  #outside(bytes: Buffer, actions: Action[]): void {
    if (bytes.length > pasteBytes) {
      this.#pending = false;
      actions.push({ kind: "paste", bytes, last: true });
      return;
    }
    const text = bytes.toString("latin1");
    let from = 0;
    const send = (to: number) => {
      if (to > from) actions.push(classify(bytes.subarray(from, to)));
      from = to;
    };
    for (let at = 0; at < text.length; ) {
      const key = keyAt(text, at);
      if (this.#pending) {
        if (key.silent) {
          from = at += key.length;
          continue;
        }
        this.#pending = false;
        if (key.char === this.#prefix) {
          from = at;
          at += key.length;
          send(at);
        } else {
          from = at += key.length;
          // A character of several bytes is one key.
          actions.push({
            kind: "command",
            key: key.char.charCodeAt(0) >= 0x80 ? Buffer.from(key.char, "latin1").toString() : key.char,
          });
        }
      } else if (key.char === this.#prefix || text.charCodeAt(at) === this.#prefixByte) {
        send(at);
        this.#pending = true;
        from = at += key.length;
      } else at += key.length;
    }
    send(text.length);
  }
}

function classify(bytes: Buffer): Action {
  if (bytes.length === 1 && interrupts.has(bytes[0]!)) return { kind: "interrupt", bytes };
  if (bytes[0] === 0x1b && reports.test(bytes.toString("latin1"))) return { kind: "report", bytes };
  return { kind: "keys", bytes };
}

interface Key {
  /** What the key stands for: a character, a control character, or the escape sequence itself. */
  readonly char: string;
  readonly length: number;
  /** A key's release, or a modifier alone: no key typed. */
  readonly silent: boolean;
}

/** The key that begins at `at`. Keyboards that write keys as `CSI code;modifiers u` or `CSI 27;modifiers;code ~` are understood. */
export function keyAt(text: string, at: number): Key {
  if (text[at] !== "\x1b") {
    const length = utf8Length(text.charCodeAt(at));
    return { char: text.slice(at, at + length), length, silent: false };
  }
  const csi = /^\x1b\[(?:27;(\d+);(\d+)~|(\d+)(?::\d*)*(?:;(\d*)(?::(\d+))?)?(?:;[\d:]*)?u)/.exec(text.slice(at, at + 48));
  if (csi) {
    const code = Number(csi[2] ?? csi[3]);
    const modifiers = Math.max(0, Number(csi[1] ?? csi[4] ?? "1") - 1) & 0b111;
    const silent = csi[5] === "3" || (code >= 57441 && code <= 57454) || (code >= 57358 && code <= 57360);
    const plain = String.fromCodePoint(Math.min(code, 0x10ffff));
    const ctrl = (modifiers & 4) !== 0 && (modifiers & 2) === 0 && code >= 0x40 && code <= 0x7e;
    const char = ctrl ? String.fromCharCode(code & 0x1f) : (modifiers & 1) !== 0 ? plain.toUpperCase() : plain;
    return { char, length: csi[0].length, silent };
  }
  const other = /^\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|O[\x40-\x7e]|[\x20-\x7e])?/.exec(text.slice(at, at + 48))!;
  return { char: other[0], length: other[0].length, silent: false };
}

function utf8Length(first: number): number {
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}
