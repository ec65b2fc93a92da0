/**
 * The table of states that a snapshot must keep: each case is cut at every byte, and the snapshot at the cut
 * followed by the rest must give what the whole gives: in our model, and in a stock xterm as a client has it.
 */
import { describe, expect, test } from "vitest";
import { battery, type Size, snapshotAt, stateAfter, stockStateAfter } from "./snapshot-check.ts";

const CSI = "\x1b[";
/** Name, bytes, and the size if it is not 20×6. Names marked * are those that `@xterm/addon-serialize` 0.14 loses. */
type Case = readonly [name: string, bytes: string, size?: Size];
const cases: readonly Case[] = [
  ["plain text over several rows", "one\r\ntwo\r\nthree"],
  ["scrollback above the screen", Array.from({ length: 14 }, (_, i) => `line ${i}`).join("\r\n")],
  [
    "a long line that wraps, and one that wraps while scrolling",
    `${"abcdefghij".repeat(5)}\r\n\r\n\r\n\r\n${"0123456789".repeat(6)}\r\nend`,
  ],
  ["* wrap-pending after the last column", "12345678901234567890"],
  ["* wrap-pending, then a colour", `12345678901234567890${CSI}31m`],
  ["* wrap-pending over an erased row", `12345678901234567890${CSI}2K`],
  ["wrap-pending after a wide character", `${"x".repeat(18)}日`],
  [
    "bold, dim, italic, underline, blink, inverse, hidden, struck, overlined",
    `${CSI}1mB${CSI}2mD${CSI}22;3mI${CSI}4mU${CSI}5mK${CSI}7mR${CSI}8mH${CSI}9mS${CSI}53mO${CSI}0m.`,
  ],
  ["sixteen colours", `${CSI}31;42mA${CSI}97;100mB${CSI}39mC${CSI}49mD`],
  ["256 colours", `${CSI}38;5;200;48;5;17mA${CSI}38:5:9mB`],
  ["true colour", `${CSI}38;2;1;2;3;48;2;250;251;252mA${CSI}38:2::9:8:7mB`],
  ["underline styles and colours", `${CSI}4:3mA${CSI}58:2::1:2:3mB${CSI}4:5;58:5:7mC${CSI}59mD${CSI}24mE`],
  ["background colour of erased cells", `${CSI}44mab${CSI}K\r\n${CSI}10X\r\n${CSI}2Cx${CSI}0m`],
  ["background colour of scrolled-in rows", `${CSI}44m\n\n\n\n\n\n\n\nab${CSI}m`],
  ["wide characters", "日本語テキスト、とても長い文章です"],
  ["a wide character that does not fit wraps and leaves a blank", `${"x".repeat(19)}日本`],
  ["a wide character half overwritten", `日本語${CSI}2GX${CSI}5GY`],
  ["combining characters", "e\u0301a\u0308\u0323 n\u0303"],
  ["a mark that joins nothing", `ab${CSI}m\u0301c${CSI}3;20H\u0301x`],
  ["a wide character printed over in another colour", `${CSI}?7l${"x".repeat(18)}日${CSI}4:3ma${CSI}m`],
  ["a wide character printed over in the last column", `${CSI}?7l${"x".repeat(18)}日a${CSI}m`],
  ["a saved underline, and a link across DECRC", `${CSI}4:3;58:5:9m\x1b7${CSI}m\x1b]8;;https://a.example\x07a\x1b8b`],
  ["emoji beyond the BMP", "a😀b👍🏽c"],
  ["* cursor hidden", `abc${CSI}?25l`],
  ["* cursor shape and blink", `abc${CSI}5 q${CSI}?12h`],
  ["steady underline cursor, then the default", `${CSI}4 qabc${CSI}0 q`],
  ["* scroll region", `a\r\nb\r\nc\r\nd${CSI}2;4r${CSI}3;1Hx\n\n`],
  ["* saved cursor with attributes", `${CSI}3;5H${CSI}1;31m\x1b7${CSI}m${CSI}HX\x1b8Y`],
  ["* saved cursor with a character set", `\x1b(0${CSI}2;2H\x1b7\x1b(B${CSI}Hq\x1b8q`],
  [
    "saved cursors of both screens",
    `${CSI}2;3H${CSI}32m\x1b7${CSI}?1047h${CSI}4;6H${CSI}7m\x1b7${CSI}Habc\x1b8d${CSI}?1047l\x1b8e`,
  ],
  ["* tab stops", `${CSI}3g${CSI}4G\x1bH${CSI}11G\x1bH\r\ta\tb`],
  ["* G0 line drawing", "\x1b(0lqqk\x1b(Bx"],
  ["* G1 by SO and SI", "\x1b)0a\x0eqx\x0fq"],
  ["* G2 and G3 by locking shift", "\x1b*0\x1b+A\x1bnq\x1bo#"],
  ["national set", "\x1b(K[\\]{|}"],
  ["* origin mode", `${CSI}2;5r${CSI}?6h${CSI}2;3Hx`],
  ["autowrap off", `${CSI}?7labcdefghijklmnopqrstuvwxyz`],
  ["reverse wraparound", `${CSI}?45habcdefghijklmnopqrstuv\b\b\b\bX`],
  ["insert mode", `abc${CSI}4h${CSI}HXY`],
  ["insert mode with a wide character", `日本語${CSI}4h${CSI}HX語`],
  ["* line feed mode", `${CSI}20hab\ncd`],
  ["application cursor keys and keypad", `${CSI}?1h\x1b=abc`],
  ["* mouse: any event, SGR", `${CSI}?1003h${CSI}?1006habc`],
  ["* mouse: button event, pixels", `${CSI}?1002;1016habc`],
  ["mouse on and off again", `${CSI}?1000h${CSI}?1006ha${CSI}?1006l${CSI}?1000lb`],
  ["bracketed paste and focus events", `${CSI}?2004h${CSI}?1004habc`],
  ["synchronised output", `a${CSI}?2026hb`],
  ["alternate screen by 1049 and back", `shell\r\n${CSI}31m${CSI}?1049h${CSI}2;2Hvim${CSI}mx${CSI}?1049l$ `],
  ["alternate screen by 47", `shell${CSI}?47halt${CSI}?47lback`],
  ["alternate screen filled with a background", `shell${CSI}44m${CSI}?1049hvim`],
  ["a region and tab stops of the alternate screen", `a${CSI}?1049h${CSI}3g${CSI}5G\x1bH${CSI}2;3r\tx\n\n\ny`],
  ["* title", "\x1b]0;both\x07\x1b]2;title — ü\x1b\\\x1b]1;icon\x07x"],
  ["title stack", `\x1b]2;one\x07${CSI}22;0t\x1b]2;two\x07${CSI}23;0tx`],
  [
    "* a hyperlink, and one with an id over two rows",
    `\x1b]8;;https://a.example/\x1b\\link\x1b]8;;\x1b\\ \x1b]8;id=x;https://b.example/?q=1;2\x1b\\${"y".repeat(24)}\x1b]8;;\x1b\\z`,
  ],
  ["a link left open while its row is deleted", `\x1b]8;id=1;https://a.example/\x07a${CSI}M${CSI}2Jbc`],
  ["a hyperlink left open", "a\x1b]8;;https://a.example/\x07bc"],
  ["protected cells", `${CSI}1"qkeep${CSI}0"qgo${CSI}?2K${CSI}1"q`],
  ["the last character, repeated", `ab${CSI}5b${CSI}31mc${CSI}3b日${CSI}2b`],
  ["the last character with marks, repeated", `e\u0301${CSI}3b`],
  ["* half an escape sequence with parameters", `${CSI}38;2;10;20;30;4:3;1mX${CSI}?25;2004hY\x1b#8`],
  ["C0 controls within an escape sequence", `ab${CSI}3\r\n1mc${CSI}\b4mD`],
  ["C1 controls as UTF-8", "a\u009b31mb\u009d2;t\u009cc\u0084d"],
  ["* half a UTF-8 character", "aé日😀\u{10ffff}b"],
  ["broken UTF-8", "a\xc3(\xe2\x82x\xf0\x9f\x98y"],
  ["a half-received string of every kind", "\x1bP1$qm\x1b\\\x1b_Gx\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\\x1b]777;notify\x07x"],
  ["a string cut off by CAN", "\x1b]2;never\x18seen"],
  ["palette and default colours", "\x1b]4;1;rgb:11/22/33;2;#abc\x07\x1b]10;#ffffff\x07\x1b]11;rgb:0/0/0\x07\x1b]104;2\x07x"],
  ["kitty keyboard: pushed on both screens", `${CSI}>1u${CSI}>5ua${CSI}?1049h${CSI}=3;1u${CSI}<u${CSI}>9ub`],
  ["modifyOtherKeys", `${CSI}>4;2ma${CSI}>4mb${CSI}>4;1m`],
  ["modes of the outer terminal only", `${CSI}?1007l${CSI}?2031h${CSI}?2027ha`],
  [
    "insert and delete lines, characters, columns",
    `a1\r\nb2\r\nc3\r\nd4${CSI}2H${CSI}L${CSI}3H${CSI}M${CSI}1;2H${CSI}2@${CSI}2;1H${CSI}P`,
  ],
  ["scrolling both ways", `a\r\nb\r\nc${CSI}2S${CSI}T${CSI}HxMy`],
  ["a wrapped row whose start was scrolled away", `${"w".repeat(50)}${CSI}H${CSI}M`],
  ["a wrapped row that begins blank", `${"w".repeat(30)}${CSI}2;1H${CSI}3X`],
  ["screen alignment pattern", `\x1b#8${CSI}3;3Hx`],
  ["scrollback cleared", `${"l\r\n".repeat(12)}${CSI}3Jx`],
  ["soft reset", `${CSI}2;4r${CSI}?6h${CSI}?25l${CSI}1mx${CSI}!py`],
  ["full reset", `abc${CSI}?1049h${CSI}31mx\x1bcnew`],
  ["a scrollback that is full", `${Array.from({ length: 80 }, (_, i) => `n${i}`).join("\r\n")}`, [6, 3]],
  ["erase above at the last column", `ab\r\ncd${CSI}6;20H${CSI}1Jx`],
];

describe("a snapshot at any byte, followed by the rest, is the whole", () => {
  test.each(cases.map(([name, text, size]) => ({ name, text, size: size ?? ([20, 6] as const) })))(
    "$name",
    ({ name, text, size }) => {
      const bytes = text.includes("\xc3(") ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : new TextEncoder().encode(text);
      const whole = stateAfter([bytes], size);
      // Stock xterm throws at the one (guards.ts), and forgets the underline at the other (trackers.ts).
      const stock = /^erase above|across DECRC|its row is deleted/.test(name) ? undefined : stockStateAfter([bytes], size);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { vt } = snapshotAt(bytes.subarray(0, cut), size);
        const rest = bytes.subarray(cut);
        expect(
          stateAfter([vt, rest], size),
          `model, cut at ${cut} of ${bytes.length}: ${JSON.stringify(new TextDecoder().decode(vt))}`,
        ).toEqual(whole);
        if (stock !== undefined)
          expect(
            stockStateAfter([vt, rest], size),
            `stock xterm, cut at ${cut}: ${JSON.stringify(new TextDecoder().decode(vt))}`,
          ).toEqual(stock);
      }
    },
  );

  test("the table has all of 35 cases, 15 of which @xterm/addon-serialize loses, and more", () => {
    expect(cases.length).toBeGreaterThanOrEqual(35);
    expect(battery.length).toBeGreaterThan(10);
  });
});
