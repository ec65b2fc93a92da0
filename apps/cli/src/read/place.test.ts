import { expect, test } from "vitest";
import { parsePlace } from "./place.ts";

const there = (session: string, path: string, host?: string) => ({ host, session, path });
const here = (path: string) => ({ host: undefined, session: undefined, path });

test("a place of a session has its name before the first colon, and a host of a relay before that", () => {
  expect(parsePlace("build:dist/app.tar")).toEqual(there("build", "dist/app.tar"));
  expect(parsePlace("build:/etc/a:b")).toEqual(there("build", "/etc/a:b"));
  expect(parsePlace("build:")).toEqual(there("build", ""));
  expect(parsePlace("ana@box:build:a:b")).toEqual(there("ana@box:build", "a:b"));
  expect(parsePlace("box/web:/srv/site")).toEqual(there("web", "/srv/site", "box"));
});

test("everything else is of this machine, and so is what begins with a dot or a slash, colons or not", () => {
  for (const path of ["a.txt", "-", "dir/a.txt", "./a:b", "../box:c", "/tmp/a:b", "a/b/c:d", ":x", "my file: the end"])
    expect(parsePlace(path)).toEqual(here(path));
});
