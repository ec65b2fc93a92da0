import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("what a browser kept is taken where it is sound, and the rest is as it is by default", () => {
  expect(readSettings('{"readsAloud":true,"letterPx":16}')).toEqual({ readsAloud: true, letterPx: 16 });
  for (const text of [null, "", "{", '{"readsAloud":"yes","letterPx":1e9}', '{"letterPx":"14"}'])
    expect(readSettings(text)).toEqual({ readsAloud: false, letterPx: 13 });
});
