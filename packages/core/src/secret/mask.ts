/**
 * A stream of output as one may see it to whom known secrets are not shown: byte for byte the same, `*` in their places.
 *
 *   K1  What comes out is as long as what came in and in its order, so every offset stays true. No byte but those of a secret differs.
 *   K2  However the stream is cut: bytes that may be the beginning of a secret are held until they are decided, at most
 *       {@link HELD_BYTES} of them.
 *   K3  Blanks and controls count for nothing, and the text is looked at twice: with the bytes of its escape sequences (a secret in a
 *       title, or handed to the clipboard) and without them (one that is coloured, or wrapped by a program).
 *   K4  Who can't wait is given what is held ({@link Mask.rest}): as it is where it is shorter than {@link TELLING_BYTES}, and masked
 *       where it is not, or goes on from a secret. So a secret that is printed slowly shows its first three bytes, and no more.
 * Elsewhere: which forms a secret has (forms.ts), which secrets there are (host).
 */
import { isBlank, PIECE_BYTES } from "./forms.ts";
import { type Matcher, ROOT } from "./matcher.ts";

/** A form that stands in more bytes than this, of colours and cursor moves, is not known for one: a screen's worth of any but the largest. */
export const HELD_BYTES = 8 * 1024;
/** So much of a beginning says what follows. Fewer are the beginning of many a word. */
export const TELLING_BYTES = 4;

const STAR = 0x2a;
const ESC = 0x1b;
const NOTHING = new Uint8Array(0);

/** One way to look at the stream: some of its bytes, and where they stood. */
class Look {
  state = ROOT;
  /** Bytes looked at. */
  count = 0;
  /** How many of them there were when the last one was masked. */
  maskedTo = 0;
  readonly places = new Float64Array(PIECE_BYTES);
  readonly bytes = new Uint8Array(PIECE_BYTES);
}

type Within = "text" | "escape" | "csi" | "string";

export class Mask {
  readonly #matcher: Matcher;
  readonly #whole = new Look();
  readonly #shown = new Look();
  #within: Within = "text";
  /** Taken and not given; the first one's place in the stream. */
  #held: Uint8Array = NOTHING;
  #from = 0;
  /** Bytes that were made stars, in all. */
  masked = 0;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  /** The next bytes of the stream. Gives those that are decided. */
  take(bytes: Uint8Array): Uint8Array {
    const work = new Uint8Array(this.#held.length + bytes.length);
    work.set(this.#held);
    work.set(bytes, this.#held.length);
    this.#held = work;
    for (let i = work.length - bytes.length; i < work.length; i++) {
      const byte = work[i]!;
      const isShown = this.#isShown(byte);
      if (isBlank(byte)) continue;
      this.#see(this.#whole, byte, i);
      if (isShown) this.#see(this.#shown, byte, i);
    }
    const undecided = Math.min(this.#undecided(this.#whole), this.#undecided(this.#shown), this.#from + work.length);
    // Its beginning may be given already.
    const decided = Math.max(0, undecided - this.#from);
    if (work.length - decided <= HELD_BYTES) return this.#give(decided);
    const all = this.rest();
    this.#whole.state = this.#shown.state = ROOT;
    return all;
  }

  /** What is held, now (K4). The stream may go on. */
  rest(): Uint8Array {
    if (this.#held.length === 0) return NOTHING;
    for (const look of [this.#whole, this.#shown]) {
      const depth = this.#matcher.depth(look.state);
      const goesOn = look.maskedTo > 0 && look.maskedTo >= look.count - depth;
      if (depth >= TELLING_BYTES || (depth > 0 && goesOn)) this.#hide(look, depth);
    }
    return this.#give(this.#held.length);
  }

  /** What is held, where nothing more comes: no secret begins in it. */
  end(): Uint8Array {
    this.#whole.state = this.#shown.state = ROOT;
    return this.#give(this.#held.length);
  }

  /** What has come of a secret that is being printed, without blanks; null if there is too little of it to say so. */
  get begun(): Uint8Array | null {
    const depths = [this.#whole, this.#shown].map((look) => ({ look, depth: this.#matcher.depth(look.state) }));
    const { look, depth } = depths[0]!.depth > depths[1]!.depth ? depths[0]! : depths[1]!;
    if (depth < TELLING_BYTES) return null;
    return Uint8Array.from({ length: depth }, (_, i) => look.bytes[(look.count - depth + i) % PIECE_BYTES]!);
  }

  #give(length: number): Uint8Array {
    const given = this.#held.subarray(0, length);
    this.#held = length === this.#held.length ? NOTHING : this.#held.slice(length);
    this.#from += length;
    return given;
  }

  #see(look: Look, byte: number, at: number): void {
    look.state = this.#matcher.step(look.state, byte);
    const slot = look.count++ % PIECE_BYTES;
    if (look.state === ROOT) return;
    look.places[slot] = this.#from + at;
    look.bytes[slot] = byte;
    const length = this.#matcher.ended(look.state);
    if (length > 0) this.#hide(look, length);
  }

  /** The last `length` bytes of this look: those that are still here. */
  #hide(look: Look, length: number): void {
    for (let i = 1; i <= length; i++) {
      const at = look.places[(look.count - i) % PIECE_BYTES]! - this.#from;
      if (at < 0 || this.#held[at] === STAR) continue;
      this.#held[at] = STAR;
      this.masked++;
    }
    look.maskedTo = look.count;
  }

  /** Where the bytes stand that may yet be masked. */
  #undecided(look: Look): number {
    const first = Math.max(look.count - this.#matcher.depth(look.state), look.maskedTo);
    return first < look.count ? look.places[first % PIECE_BYTES]! : Infinity;
  }

  /** Follows the escape sequences, as any terminal does; whether the byte is in none. */
  #isShown(byte: number): boolean {
    const within = this.#within;
    if (byte === ESC) this.#within = "escape";
    else if (within === "text") return true;
    else if (byte === 0x18 || byte === 0x1a) this.#within = "text";
    else if (within === "csi") {
      if (byte >= 0x40) this.#within = "text";
    } else if (within === "string") {
      if (byte === 0x07) this.#within = "text";
    } else if (byte === 0x5b) this.#within = "csi";
    else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) this.#within = "string";
    else if (byte >= 0x30) this.#within = "text";
    return false;
  }
}

/** A whole text: nothing more comes, so what only begins like a secret is none. */
export function maskWhole(matcher: Matcher, bytes: Uint8Array): Uint8Array {
  const mask = new Mask(matcher);
  const decided = mask.take(bytes);
  const rest = mask.end();
  const all = new Uint8Array(bytes.length);
  all.set(decided);
  all.set(rest, decided.length);
  return all;
}
