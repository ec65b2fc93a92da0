/**
 * What a program has set on a terminal, and how to unset it.
 *
 *   T1  `undo` is the sequences that return a terminal to what it was before the tracked output, as far as modes go: nothing is
 *       emitted for what was never touched, so a detach leaves no trace and does no harm.
 *   T2  State is bounded: at most {@link MAX_MODES} modes and {@link MAX_STACK} stack entries are kept, whatever a program sends.
 * Fed with parsed sequences: from bytes by ModeTracker (mode-tracker.ts), from xterm's parser by the host's model.
 * Elsewhere: cells, cursor and saved cursors, which only a full model has.
 */

const MAX_MODES = 256;
const MAX_STACK = 16;
/** Modes of DECSET that a reset terminal has on. */
const ON_BY_DEFAULT: ReadonlySet<number> = new Set([7, 8, 25, 1035, 1036]);
const ALT_SCREENS: ReadonlySet<number> = new Set([47, 1047, 1049]);
/** Not a lasting state: saves or restores the cursor, or (DECCOLM) resizes. */
const MOMENTARY: ReadonlySet<number> = new Set([3, 1048]);

/** Kitty keyboard flags of one screen: what is in force and what was pushed below it. */
export interface KeyboardStack {
  flags: number;
  readonly below: number[];
}
export type ColorSlot = number | "foreground" | "background" | "cursor";

export class ModeState {
  /** DEC private modes whose last explicit state differs from the default of a reset terminal. */
  readonly dec = new Map<number, boolean>();
  /** ANSI modes (`CSI n h`) that are on. */
  readonly ansi = new Set<number>();
  /** The mode number that entered the alternate screen, or 0. */
  alternate = 0;
  keypadApplication = false;
  /** DECSCUSR, 0 if never set. */
  cursorStyle = 0;
  readonly keyboard: { readonly main: KeyboardStack; readonly alternate: KeyboardStack } = {
    main: { flags: 0, below: [] },
    alternate: { flags: 0, below: [] },
  };
  /** XTMODKEYS resources by number: 4 is modifyOtherKeys. */
  readonly modifyKeys = new Map<number, number>();
  /** DECSLRM, only while DECLRMM (69) is on. */
  margins: { readonly left: number; readonly right: number } | undefined;
  hasRegion = false;
  hasCharset = false;
  hasProtected = false;
  hasPen = false;
  hasLink = false;
  /** Titles pushed and not popped. */
  titlesPushed = 0;
  /** Colours changed by OSC 4, 10, 11, 12: the spec as sent. */
  readonly colors = new Map<ColorSlot, string>();
  private readonly saved = new Map<number, boolean>();

  isOn(mode: number): boolean {
    return this.dec.get(mode) ?? ON_BY_DEFAULT.has(mode);
  }

  /** A control sequence. `params` holds first values only, subparameters left out; `prefix` and `intermediates` may be "". */
  csi(prefix: string, intermediates: string, final: string, params: ArrayLike<number>, count = params.length): void {
    const first = count > 0 ? (params[0] ?? 0) : 0;
    switch (prefix + intermediates + final) {
      case "?h":
      case "?l":
        for (let i = 0; i < count; i++) this.setDec(params[i] ?? 0, final === "h");
        return;
      case "h":
      case "l":
        for (let i = 0; i < count; i++) {
          const mode = params[i] ?? 0;
          if (final === "l") this.ansi.delete(mode);
          else if (this.ansi.size < MAX_MODES) this.ansi.add(mode);
        }
        return;
      case "?s":
        for (let i = 0; i < count; i++)
          if (this.saved.size < MAX_MODES) this.saved.set(params[i] ?? 0, this.isOn(params[i] ?? 0));
        return;
      case "?r":
        for (let i = 0; i < count; i++) {
          const was = this.saved.get(params[i] ?? 0);
          if (was !== undefined) this.setDec(params[i] ?? 0, was);
        }
        return;
      case ">u":
        this.pushKeyboard(first);
        return;
      case "<u":
        this.popKeyboard(Math.max(1, first));
        return;
      case "=u":
        this.setKeyboard(first, count > 1 ? (params[1] ?? 1) : 1);
        return;
      case ">m":
        if (count < 2) this.modifyKeys.delete(first);
        else if (this.modifyKeys.size < MAX_STACK || this.modifyKeys.has(first)) this.modifyKeys.set(first, params[1] ?? 0);
        if (count === 0) this.modifyKeys.clear();
        return;
      case ">n":
        this.modifyKeys.set(first === 0 ? 2 : first, -1);
        return;
      case " q":
        this.cursorStyle = first;
        return;
      case '"q':
        this.hasProtected = first === 1;
        return;
      case "!p":
        this.softReset();
        return;
      case "r":
        this.hasRegion = true;
        return;
      case "m":
        this.hasPen = !(count === 0 || (count === 1 && first === 0));
        return;
      case "s":
        if (this.isOn(69)) this.margins = { left: Math.max(1, first), right: count > 1 ? (params[1] ?? 0) : 0 };
        return;
      case "t":
        if (first === 22 && this.titlesPushed < MAX_STACK) this.titlesPushed++;
        else if (first === 23 && this.titlesPushed > 0) this.titlesPushed--;
        return;
      default:
    }
  }

  /** An escape sequence: `ESC` intermediates final. */
  esc(intermediates: string, final: string): void {
    switch (intermediates + final) {
      case "c":
        this.reset();
        return;
      case "=":
        this.keypadApplication = true;
        return;
      case ">":
        this.keypadApplication = false;
        return;
      case "n":
      case "o":
      case "|":
      case "}":
      case "~":
        this.hasCharset = true;
        return;
      default:
        if (intermediates !== "" && "()*+-./".includes(intermediates)) this.hasCharset = true;
    }
  }

  /** SO was printed. */
  shiftOut(): void {
    this.hasCharset = true;
  }

  /** An operating system command, its text after the first `;`. */
  osc(command: number, text: string): void {
    switch (command) {
      case 4: {
        const parts = text.split(";", 514);
        for (let i = 0; i + 1 < parts.length; i += 2) {
          const index = Number(parts[i]);
          if (/^\d{1,3}$/.test(parts[i] ?? "") && index < 256) this.setColor(index, parts[i + 1] ?? "");
        }
        return;
      }
      case 10:
      case 11:
      case 12: {
        const parts = text.split(";", 3);
        parts.forEach((spec, i) => {
          const slot = SPECIAL[command - 10 + i];
          if (slot !== undefined) this.setColor(slot, spec);
        });
        return;
      }
      case 104:
        if (text === "") {
          for (const slot of [...this.colors.keys()]) if (typeof slot === "number") this.colors.delete(slot);
        } else for (const index of text.split(";", 256)) this.colors.delete(Number(index));
        return;
      case 110:
      case 111:
      case 112: {
        const slot = SPECIAL[command - 110];
        if (slot !== undefined) this.colors.delete(slot);
        return;
      }
      case 8:
        this.hasLink = text.includes(";") && !/^[^;]*;$/.test(text);
        return;
      default:
    }
  }

  reset(): void {
    this.dec.clear();
    this.ansi.clear();
    this.saved.clear();
    this.alternate = 0;
    this.keypadApplication = false;
    this.cursorStyle = 0;
    for (const s of [this.keyboard.main, this.keyboard.alternate]) {
      s.flags = 0;
      s.below.length = 0;
    }
    this.modifyKeys.clear();
    this.colors.clear();
    this.margins = undefined;
    this.hasRegion = this.hasCharset = this.hasProtected = this.hasPen = this.hasLink = false;
  }

  /** The sequences that unset all of it, in an order in which none disturbs another. */
  undo(alternate = this.alternate): string {
    let out = "";
    if (this.dec.get(2026) === true) out += "\x1b[?2026l";
    out += undoKeyboard(alternate === 0 ? this.keyboard.main : this.keyboard.alternate);
    if (alternate !== 0) out += `\x1b[?${alternate}l${undoKeyboard(this.keyboard.main)}`;
    for (const [mode, on] of this.dec) if (mode !== 2026) out += `\x1b[?${mode}${on ? "l" : "h"}`;
    for (const mode of this.ansi) out += `\x1b[${mode}l`;
    if (this.keypadApplication) out += "\x1b>";
    for (const resource of this.modifyKeys.keys()) out += `\x1b[>${resource}m`;
    if (this.cursorStyle !== 0) out += "\x1b[0 q";
    if (this.hasProtected) out += '\x1b[0"q';
    if (this.hasCharset) out += "\x1b(B\x1b)B\x0f";
    if (this.hasRegion) out += "\x1b7\x1b[r\x1b8";
    if (this.hasLink) out += "\x1b]8;;\x1b\\";
    if (this.hasPen || this.hasRegion) out += "\x1b[m";
    for (const slot of this.colors.keys())
      out += typeof slot === "number" ? `\x1b]104;${slot}\x1b\\` : `\x1b]${110 + SPECIAL.indexOf(slot)}\x1b\\`;
    for (let i = 0; i < this.titlesPushed; i++) out += "\x1b[23;0t";
    return out;
  }

  private setDec(mode: number, on: boolean): void {
    if (ALT_SCREENS.has(mode)) {
      this.alternate = on ? this.alternate || mode : 0;
      return;
    }
    if (MOMENTARY.has(mode)) return;
    // The mouse has one protocol and one encoding at a time: setting one takes the place of another, unsetting any ends all.
    for (const group of EXCLUSIVE) if (group.includes(mode)) for (const other of group) this.dec.delete(other);
    if (mode === 69 && !on) this.margins = undefined;
    if (mode === 66) this.keypadApplication = on;
    else if (on === ON_BY_DEFAULT.has(mode)) this.dec.delete(mode);
    else if (this.dec.size < MAX_MODES) this.dec.set(mode, on);
  }

  private get currentKeyboard(): KeyboardStack {
    return this.alternate === 0 ? this.keyboard.main : this.keyboard.alternate;
  }

  private pushKeyboard(flags: number): void {
    const stack = this.currentKeyboard;
    stack.below.push(stack.flags);
    if (stack.below.length > MAX_STACK) stack.below.shift();
    stack.flags = flags & 31;
  }

  private popKeyboard(count: number): void {
    const stack = this.currentKeyboard;
    for (let i = 0; i < Math.min(count, MAX_STACK + 1); i++) stack.flags = stack.below.pop() ?? 0;
  }

  private setKeyboard(flags: number, how: number): void {
    const stack = this.currentKeyboard;
    stack.flags = how === 3 ? stack.flags & ~flags : how === 2 ? stack.flags | (flags & 31) : flags & 31;
  }

  private softReset(): void {
    for (const mode of [1, 6, 7, 25, 45, 66, 69, 1004, 2004, 2026]) this.dec.delete(mode);
    this.ansi.delete(4);
    this.keypadApplication = false;
    this.cursorStyle = 0;
    this.margins = undefined;
    this.hasRegion = this.hasCharset = this.hasProtected = this.hasPen = false;
  }

  private setColor(slot: ColorSlot, spec: string): void {
    if (spec !== "?" && COLOR_SPEC.test(spec)) this.colors.set(slot, spec);
  }
}

const SPECIAL: readonly ColorSlot[] = ["foreground", "background", "cursor"];
const EXCLUSIVE: readonly (readonly number[])[] = [
  [9, 1000, 1001, 1002, 1003],
  [1005, 1006, 1015, 1016],
];
/** X11 forms that terminals agree on. Names of colours are left alone: what they mean differs. */
const COLOR_SPEC = /^(?:rgb:[\da-f]{1,4}\/[\da-f]{1,4}\/[\da-f]{1,4}|#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{9}|[\da-f]{12}))$/i;

function undoKeyboard(stack: KeyboardStack): string {
  if (stack.below.length > 0) return `\x1b[<${stack.below.length}u${(stack.below[0] ?? 0) !== 0 ? "\x1b[=0;1u" : ""}`;
  return stack.flags !== 0 ? "\x1b[=0;1u" : "";
}
