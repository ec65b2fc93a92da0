import { expect, test } from "vitest";
import { type Typed, typedAfter, typedText, UNTOLD } from "./typed.ts";

const typed = (text: string, atUnixMs: number, actor = "ben"): Typed => ({ actor, via: "web", text, atUnixMs });
const all = (...keys: Typed[]): string => keys.reduce<Typed | null>(typedAfter, null)!.text;

test("keys that follow each other are one text, until a line's end, a pause or somebody else", () => {
  expect(all(typed("l", 0), typed("s", 100))).toBe("ls");
  expect(all(typed("l", 0), typed("\r", 100), typed("p", 200))).toBe("p");
  expect(all(typed("l", 0), typed("p", 4_000))).toBe("p");
  expect(all(typed("l", 0), typed("p", 100, "ana"))).toBe("p");
});

test("what is not shown leaves a mark, once, where it was", () => {
  expect(all(typed("e", 0), typed(UNTOLD, 10), typed(UNTOLD, 20), typed("o", 30), typed(UNTOLD, 40))).toBe("e…o…");
});

test("a paste is read as what was pasted", () => {
  expect(typedText(new TextEncoder().encode("\u001b[200~ls -l\u001b[201~\r"))).toBe("ls -l\r");
});
