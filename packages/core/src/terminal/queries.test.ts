import { describe, expect, test } from "vitest";
import { mayContainQuery, QueryFilter, QueryScanner } from "./queries.ts";

const bytes = (s: string): Uint8Array => new Uint8Array(Buffer.from(s));
const text = (b: Uint8Array): string => Buffer.from(b).toString();
/** What the filter leaves of a stream cut after each of `cuts`. */
function filtered(stream: Uint8Array, cuts: readonly number[]): string {
  const filter = new QueryFilter();
  const out: Uint8Array[] = [];
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    out.push(new Uint8Array(filter.filter(stream.subarray(from, to))));
    from = to;
  }
  return text(Buffer.concat(out));
}

const queries: readonly (readonly [string, string])[] = [
  ["DA1", "\x1b[c"],
  ["DA1 with a parameter", "\x1b[0c"],
  ["DA2", "\x1b[>c"],
  ["DA3", "\x1b[=0c"],
  ["DECID", "\x1bZ"],
  ["ENQ", "\x05"],
  ["operating status", "\x1b[5n"],
  ["cursor position", "\x1b[6n"],
  ["DECXCPR", "\x1b[?6n"],
  ["printer status", "\x1b[?15n"],
  ["colour scheme", "\x1b[?996n"],
  ["DECRQM", "\x1b[?2026$p"],
  ["DECRQM, ANSI", "\x1b[4$p"],
  ["XTVERSION", "\x1b[>0q"],
  ["kitty keyboard", "\x1b[?u"],
  ["window size in pixels", "\x1b[14t"],
  ["cell size", "\x1b[16t"],
  ["size in characters", "\x1b[18t"],
  ["title report", "\x1b[21t"],
  ["icon report", "\x1b[20t"],
  ["window state", "\x1b[11t"],
  ["text area position", "\x1b[13;2t"],
  ["DECREQTPARM", "\x1b[x"],
  ["XTSMGRAPHICS", "\x1b[?1;1;0S"],
  ["XTQMODKEYS", "\x1b[?4m"],
  ["DECRQCRA", "\x1b[1;1;1;1;5;5*y"],
  ["DECRQPSR", "\x1b[1$w"],
  ["DECRQUPSS", "\x1b[&u"],
  ["locator", "\x1b[0'|"],
  ["XTREPORTCOLORS", "\x1b[#R"],
  ["palette", "\x1b]4;1;?\x07"],
  ["palette, second of two", "\x1b]4;1;rgb:1/2/3;7;?\x1b\\"],
  ["foreground", "\x1b]10;?\x1b\\"],
  ["background", "\x1b]11;?\x07"],
  ["cursor colour", "\x1b]12;?\u009c"],
  ["font", "\x1b]50;?\x07"],
  ["clipboard", "\x1b]52;c;?\x07"],
  ["kitty colours", "\x1b]21;foreground=?\x1b\\"],
  ["cell size of iTerm2", "\x1b]1337;ReportCellSize\x07"],
  ["DECRQSS", "\x1bP$qm\x1b\\"],
  ["XTGETTCAP", "\x1bP+q544e\x1b\\"],
  ["kitty graphics", "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"],
  ["8-bit CSI", "\u009b6n"],
  ["8-bit OSC", "\u009d11;?\u009c"],
];
const kept: readonly (readonly [string, string])[] = [
  ["plain text", "hello wörld 日本 ¿½ \u00a0"],
  ["SGR", "\x1b[1;38;5;7mred\x1b[m"],
  ["cursor style", "\x1b[5 q"],
  ["scroll up", "\x1b[3S"],
  ["region", "\x1b[2;5r"],
  ["restore cursor", "\x1b[u"],
  ["kitty push", "\x1b[>1u"],
  ["modifyOtherKeys", "\x1b[>4;2m"],
  ["modifyOtherKeys off", "\x1b[>4n"],
  ["resize by the program", "\x1b[8;24;80t"],
  ["title push", "\x1b[22;0t"],
  ["soft reset", "\x1b[!p"],
  ["a reply that was echoed", "\x1b[0n"],
  ["title", "\x1b]0;what? who?\x07"],
  ["a link with ?", "\x1b]8;;https://a.example/?q=?\x1b\\x\x1b]8;;\x1b\\"],
  ["a colour that is set", "\x1b]4;1;rgb:11/22/33\x07"],
  ["a clipboard write", "\x1b]52;c;aGk=\x07"],
  ["a prompt mark", "\x1b]133;A\x07"],
  ["an image of iTerm2", "\x1b]1337;File=inline=1:AAAA\x07"],
  ["sixel", "\x1bPq#0;2;0;0;0~~\x1b\\"],
  ["a kitty image", "\x1b_Ga=T,f=24;AAAA\x1b\\"],
  ["a DCS that ends in a query of no kind", "\x1bP1$r0m\x1b\\"],
  ["charset", "\x1b(0q\x1b(B"],
  ["an aborted query", "\x1b[6\x18n"],
  ["an aborted string", "\x1b]11;?\x1a"],
  ["half a sequence with text", "\x1b\x1b[1m"],
  ["private words", "\x1b^pm ? \x1b\\\x1bXsos\x1b\\"],
];

describe("queries are taken out, wherever the stream is cut", () => {
  test.each(queries)("%s", (_name, query) => {
    const stream = bytes(`ab${query}cd${query}${query}ef`);
    for (let cut = 0; cut <= stream.length; cut++) expect(filtered(stream, [cut]), `cut at ${cut}`).toBe("abcdef");
    expect(
      filtered(
        stream,
        Array.from(stream, (_, i) => i + 1),
      ),
    ).toBe("abcdef");
  });
});

describe("everything else stays, byte for byte", () => {
  test.each(kept)("%s", (_name, sequence) => {
    const whole = `ab${sequence}cd${sequence}ef`;
    const stream = bytes(whole);
    for (let cut = 0; cut <= stream.length; cut++) expect(filtered(stream, [cut]), `cut at ${cut}`).toBe(whole);
    expect(
      filtered(
        stream,
        Array.from(stream, (_, i) => i + 1),
      ),
    ).toBe(whole);
  });

  test("a chunk without queries is returned itself, not copied", () => {
    const chunk = bytes("plain \x1b[1mtext\x1b[m");
    expect(new QueryFilter().filter(chunk)).toBe(chunk);
  });

  test("a control within a query acts at once, so it stays", () => {
    expect(filtered(bytes("a\x1b[\r\n6nb"), [])).toBe("a\r\nb");
  });

  test("bytes that are no UTF-8 stay", () => {
    const stream = Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) & 0xff).filter((b) => b !== 0x1b && b !== 5);
    expect(new QueryFilter().filter(stream)).toEqual(stream);
  });
});

describe("scanning", () => {
  test("tells where each query ends, and whether there is one", () => {
    const scanner = new QueryScanner();
    expect(scanner.ends(bytes("ab\x1b[6ncd\x1b]11;?\x1b\\\x1b["))).toEqual([6, 16]);
    expect(mayContainQuery(bytes("c"), scanner)).toBe(true);
    expect(mayContainQuery(bytes("plain"), scanner)).toBe(false);
  });

  test("the filter counts what it took out", () => {
    const filter = new QueryFilter();
    filter.filter(bytes("\x1b[c\x1b[6"));
    expect(filter.found).toBe(1);
    expect(filter.isGround).toBe(false);
    filter.filter(bytes("n"));
    expect(filter.found).toBe(2);
    expect(filter.isGround).toBe(true);
  });
});

describe("hostile streams", () => {
  test("what is held back is bounded, and a query without end is never let through", () => {
    const filter = new QueryFilter();
    let passed = filter.filter(bytes("a\x1b]11;")).length;
    for (let i = 0; i < 100; i++) passed += filter.filter(bytes("x".repeat(10_000))).length;
    passed += filter.filter(bytes(";?\x1b\\b")).length;
    expect(passed).toBe(2);
  });

  test("a control sequence of a megabyte is dropped up to its end", () => {
    expect(filtered(bytes(`a\x1b[${"0".repeat(1_000_000)}nb\x1b[1mc`), [17, 20_000, 700_000])).toBe("ab\x1b[1mc");
  });
});
