import { expect, test } from "vitest";
import { isOutputs, parse } from "../document/index.ts";
import { goDuration, outputPath, writeOutputs } from "./output.ts";

const session = { id: "01HJS33TJYXWZE2FQMGRZ5EXM8", updatedAtUnixMs: Date.UTC(2023, 11, 28, 20, 52, 3), offsetMinutes: -300 };
const ran = { startedAtUnixMs: session.updatedAtUnixMs, durationMs: 719, exitCode: 0 };

test("outputs stand inside their fences in a file beside the document, which names its session", () => {
  const runbook = parse("# T\n\n```sh {name=a}\n$ ls\n```\n\n```sh\nnot run\n```\n");
  const file = writeOutputs(
    runbook,
    "docs/architecture.md",
    session,
    new Map([[0, { ...ran, text: "\u001b[31mred\u001b[0m\r\n 1%\r100%\n" }]]),
  );
  expect(file?.path).toBe("docs/architecture-01HJS33TJYXWZE2FQMGRZ5EXM8." + "md");
  expect(file?.text).toBe(
    [
      ...[
        "---",
        "runme:",
        "  document:",
        "    relativePath: architecture.md",
        "  session:",
        "    id: 01HJS33TJYXWZE2FQMGRZ5EXM8",
        "    updated: 2023-12-28 15:52:03-05:00",
        "---",
        "",
      ],
      ...[
        "# T",
        "",
        "```sh {name=a}",
        "$ ls",
        "",
        "# Ran on 2023-12-28 15:52:03-05:00 for 719ms exited with 0",
        "red",
        "100%",
        "```",
        "",
        "```sh",
        "not run",
        "```",
        "",
      ],
    ].join("\n"),
  );
  const read = parse(file?.text ?? "");
  expect(isOutputs(read)).toBe(true);
  expect(writeOutputs(read, "x", session, new Map())).toBeUndefined();
});

test("an output that holds fences lengthens its own, an indented cell becomes a fenced one, images follow", () => {
  const runbook = parse("> ```sh\r\n> a\r\n> ```\r\n\r\n    b\r\n");
  const image = { mimeType: "image/png", base64: "AAAA" };
  const file = writeOutputs(
    runbook,
    "x",
    session,
    new Map([
      [0, { ...ran, text: "```\nx", images: [image] }],
      [1, { ...ran, exitCode: 3, text: "" }],
    ]),
  );
  const body = file?.text.replaceAll("\r\n", "\n") ?? "";
  expect(body).toContain("> ````sh\n> a\n>\n> # Ran on");
  expect(body).toContain(
    "> ````\n>\n> ![](data:image/png;base64,AAAA)\n\n```\nb\n\n# Ran on 2023-12-28 15:52:03-05:00 for 719ms exited with 3\n```\n",
  );
  expect(/[^\r]\n/.test(file?.text ?? "")).toBe(false);
});

test("durations are written as Go writes them, paths keep their ending", () => {
  expect([0, 719, 1_500, 62_000, 3_601_000].map(goDuration)).toEqual(["0ms", "719ms", "1.5s", "1m2s", "1h0m1s"]);
  expect([outputPath("a.b/c", "I"), outputPath("a/b.run", "I")]).toEqual(["a.b/c-I", "a/b-I.run"]);
});
