/**
 * Follows the bytes that a client writes to its own terminal, to undo on leaving exactly what they set.
 *
 *   K1  `undo` may be taken at any byte: a sequence cut in the middle is cancelled first.
 *   K2  Costs no more than finding ESC: attributes are not followed, SGR is always reset.
 */
import { Lexer, type Sequence, type Sink } from "./lexer.ts";
import { ModeState } from "./modes.ts";

const at = (c: string): number => c.charCodeAt(0);
const FOLLOWED = new Set([4, 8, 10, 11, 12, 104, 110, 111, 112]);
/** A text of OSC that is looked at; the rest of a longer one is not a colour. */
const MAX_TEXT = 8192;

export class ModeTracker {
  readonly modes = new ModeState();
  private readonly lexer = new Lexer();
  private wasFed = false;
  private readonly params: number[] = [];
  private readonly sink: Sink = {
    csiFinals: finals(),
    wantsEnq: false,
    wantsOsc: (command) => FOLLOWED.has(command),
    wantsDcs: () => false,
    wantsApc: () => false,
    sequence: (s) => {
      this.take(s);
      return false;
    },
  };

  feed(bytes: Uint8Array): void {
    this.wasFed ||= bytes.length > 0;
    this.lexer.push(bytes, this.sink);
  }

  /** Between sequences: something else may be written to the terminal here. */
  get isBetween(): boolean {
    return this.lexer.isGround;
  }

  /** What brings the terminal back. Empty if nothing was fed. */
  undo(): Uint8Array {
    if (!this.wasFed) return new Uint8Array(0);
    this.modes.hasPen = true;
    const text = (this.lexer.isGround ? "" : "\x18\x1b\\") + this.modes.undo();
    const out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  }

  private take(s: Sequence): void {
    if (s.kind === "csi") {
      this.modes.csi(
        s.prefix === 0 ? "" : String.fromCharCode(s.prefix),
        letters(s.intermediates),
        String.fromCharCode(s.final),
        this.parse(s),
      );
    } else if (s.kind === "esc") this.modes.esc(letters(s.intermediates), String.fromCharCode(s.final));
    else if (s.kind === "osc") {
      let text = "";
      const end = Math.min(s.bodyTo, s.bodyFrom + MAX_TEXT);
      for (let i = s.bodyFrom; i < end; i++) text += String.fromCharCode(s.bytes[i] as number);
      this.modes.osc(s.command, text);
    }
  }

  /** First values of the parameters; subparameters are skipped, as no mode has any. */
  private parse(s: Sequence): readonly number[] {
    const { params } = this;
    params.length = 0;
    let value = 0;
    let isSub = false;
    for (let i = s.bodyFrom; i < s.bodyTo && params.length < 32; i++) {
      const c = s.bytes[i] as number;
      if (c === 0x3b) {
        params.push(value);
        value = 0;
        isSub = false;
      } else if (c === 0x3a) isSub = true;
      else if (!isSub && c >= 0x30 && c <= 0x39) value = Math.min(0x7fffffff, value * 10 + c - 0x30);
    }
    if (params.length < 32 && s.bodyTo > s.bodyFrom) params.push(value);
    return params;
  }
}

function letters(packed: number): string {
  let text = "";
  for (let rest = packed; rest !== 0; rest >>>= 8) text = String.fromCharCode(rest & 0xff) + text;
  return text;
}

function finals(): Uint8Array {
  const t = new Uint8Array(128);
  for (const c of "hlsrupqtn") t[at(c)] = 1;
  t[at("m")] = 2;
  return t;
}
