import { expect, test } from "vitest";
import { contentOf, pathIn, SHOWN_BYTES, sizeText, stepsOf } from "./content.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("what a file is, its bytes say and not its name", () => {
  expect(contentOf(bytes("<script>alert(1)</script>"), 25)).toEqual({ is: "text", text: "<script>alert(1)</script>" });
  expect(contentOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0), 5)).toEqual({ is: "picture", type: "image/png" });
  expect(contentOf(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0), 5)).toEqual({ is: "binary" });
  expect(contentOf(Uint8Array.of(0xc3, 0x28), 2)).toEqual({ is: "binary" });
  expect(contentOf(bytes("x"), SHOWN_BYTES + 1)).toEqual({ is: "large" });
});

test("a way through folders is one of absolute paths", () => {
  expect(pathIn("/", "home")).toBe("/home");
  expect(pathIn("/home", "ana")).toBe("/home/ana");
  expect(pathIn("/home/ana", "..")).toBe("/home");
  expect(pathIn("/home", "..")).toBe("/");
  expect(stepsOf("/home/ana").map(({ path }) => path)).toEqual(["/", "/home", "/home/ana"]);
});

test("sizes are told in three digits", () => {
  expect([0, 1023, 1024, 10 * 1024, 1536 * 1024, 5e12].map(sizeText)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "10 KiB",
    "1.5 MiB",
    "4.5 TiB",
  ]);
});
