import { expect, test } from "vitest";
import { answerTo } from "./kept.ts";

const ORIGIN = "http://127.0.0.1:7434";
const FILES = ["/index.html", "/icon.svg", "/assets/index-AbC_12-9.js"];
const asked = (path: string, mode = "no-cors", method = "GET") =>
  answerTo({ method, url: new URL(path, ORIGIN).href, mode }, ORIGIN, FILES);

test("the page is there for each of its addresses, and what is named by its content is not asked for again", () => {
  for (const path of ["/", "/hosts", "/settings", "/sessions/h1/s1", "/sessions/h1/s1/timeline", "/?x=1", "/hosts/h1#hold1.abc"])
    expect(asked(path, "navigate")).toEqual({ from: "host", path: "/index.html" });
  expect(asked("/assets/index-AbC_12-9.js")).toEqual({ from: "kept", path: "/assets/index-AbC_12-9.js" });
  expect(asked("/icon.svg")).toEqual({ from: "host", path: "/icon.svg" });
});

test("nothing else is answered: no call, no link, no port of a session, no other origin, no file that is not on the list", () => {
  for (const [path, mode, method] of [
    ["/v1/link", "cors"],
    ["/v1/sessions", "cors"],
    ["/v1/sessions", "navigate"],
    ["/preview/3000/", "navigate"],
    ["/", "navigate", "POST"],
    ["/assets/other-AbC_12-9.js", "cors"],
    ["/icon.svg?token=1", "no-cors"],
    ["/worker.js", "same-origin"],
    ["http://127.0.0.1:9999/", "navigate"],
    ["https://example.org/icon.svg", "no-cors"],
  ] as const)
    expect([path, asked(path, mode, method)]).toEqual([path, { from: "network" }]);
});
