/**
 * What must not reach the outer terminal when a session is drawn on its alternate screen: switches between screens (the other screen
 * is the person's own), a full reset, and erasing the scrollback (which is the person's too).
 *   F1  Everything else passes byte for byte.
 *   F2  The result does not depend on how the bytes are cut: an unfinished sequence waits for its rest.
 */
export type Piece =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** `at`: bytes of the input before and including the switch, from the start of this feed. */
  | { readonly kind: "enter" | "leave" | "reset"; readonly at: number };

const screens = new Set(["47", "1047", "1049"]);
const longest = 64;
const unfinished = /^\x1b(?:\[(?:\?[\d;:]*|[\d;]*)?)?$/;
const sequence = /^\x1b(?:c|\[\?([\d;:]*)([hl])|\[([\d;]*)J)/;

export class ScreenSwitches {
  #carry: Uint8Array = new Uint8Array();

  feed(input: Uint8Array): Piece[] {
    const carried = this.#carry.length;
    const bytes =
      carried > 0 ? Buffer.concat([this.#carry, input]) : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    this.#carry = new Uint8Array();
    const pieces: Piece[] = [];
    let done = 0;
    const pass = (to: number) => {
      if (to > done) pieces.push({ kind: "bytes", bytes: bytes.subarray(done, to) });
    };
    for (let at = bytes.indexOf(0x1b); at >= 0; at = bytes.indexOf(0x1b, at + 1)) {
      const next = bytes[at + 1];
      // Most escapes are colours and movements, which this passes over without making a string of them.
      if (next !== undefined && next !== 0x63 && (next !== 0x5b || !this.#mayConcern(bytes, at + 2))) continue;
      const text = bytes.toString("latin1", at, at + longest);
      const found = sequence.exec(text);
      if (found) {
        const change = this.#change(found);
        if (change) {
          pass(at);
          if (change.keep !== "") pieces.push({ kind: "bytes", bytes: Buffer.from(change.keep) });
          done = at + found[0].length;
          if (change.kind) pieces.push({ kind: change.kind, at: Math.max(0, done - carried) });
          at = done - 1;
        }
      } else if (at + text.length === bytes.length && text.length < longest && unfinished.test(text)) {
        pass(at);
        this.#carry = Uint8Array.from(bytes.subarray(at));
        return pieces;
      }
    }
    pass(bytes.length);
    return pieces;
  }

  #mayConcern(bytes: Buffer, at: number): boolean {
    const first = bytes[at];
    if (first === undefined || first === 0x3f) return true;
    for (let i = at; i < at + 8; i++) {
      const b = bytes[i];
      if (b === undefined || b === 0x4a) return true;
      if ((b < 0x30 || b > 0x39) && b !== 0x3b) return false;
    }
    return false;
  }

  /** What becomes of a sequence: what is kept of it, and what it did. Null: passes. */
  #change(found: RegExpExecArray): { readonly keep: string; readonly kind?: "enter" | "leave" | "reset" } | null {
    const [whole, modes, final, erase] = found;
    if (whole === "\x1bc") return { keep: "", kind: "reset" };
    if (erase !== undefined) return erase.split(";").some((n) => Number(n) === 3) ? { keep: "" } : null;
    const all = (modes ?? "").split(";");
    const others = all.filter((m) => !screens.has(String(Number(m))));
    if (others.length === all.length) return null;
    return { keep: others.length > 0 ? `\x1b[?${others.join(";")}${final}` : "", kind: final === "h" ? "enter" : "leave" };
  }
}
