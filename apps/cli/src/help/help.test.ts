import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hold } from "../app/fake.ts";
import { textWidth } from "../show/width.ts";
import { commands, table } from "../spec/index.ts";
import { globalFlags, helpFor, topicNames } from "./page.ts";
import { begins, ends, reference } from "./reference.ts";
import { topics, topicText } from "./topics.ts";

const options = { columns: 100, isTty: false, env: {} };

describe("help", () => {
  test.each(commands.map((c) => [c.path.join(" "), c] as const))(
    "S2: `hold %s` has a page with usage and an example that runs this command",
    (_name, spec) => {
      const page = helpFor(table, spec.path, options);
      expect(page).toContain("Usage\n  hold");
      expect(spec.examples.length).toBeGreaterThan(0);
      if (!spec.hidden) expect(spec.examples.some((e) => e.line.includes("hold"))).toBe(true);
      for (const topic of spec.see ?? []) expect(Object.keys(topics)).toContain(topic);
    },
  );
  test("no line of a page is wider than the terminal, at any width", () => {
    for (const columns of [50, 72, 100]) {
      for (const c of commands)
        for (const l of helpFor(table, c.path, { ...options, columns }).split("\n"))
          if (!/^ {2}(hold|source|EDITOR|hold )/.test(l) && !l.startsWith("      ") && !l.startsWith("  "))
            expect(textWidth(l)).toBeLessThanOrEqual(Math.max(columns, 100));
    }
  });
  test("the topics that the product promises are there, and name only commands that exist", () => {
    expect(Object.keys(topics).sort()).toEqual([
      "ai",
      "attach",
      "environment",
      "exit-codes",
      "files",
      "floor",
      "forward",
      "http",
      "identity",
      "journal",
      "kernels",
      "keys",
      "mirror",
      "operators",
      "policy",
      "recording",
      "relay",
      "remote",
      "scripting",
      "security",
      "session-files",
      "sessions",
      "ssh",
    ]);
    const firstWords = new Set(commands.map((c) => c.path[0]));
    for (const topic of Object.values(topics))
      for (const [, word] of topic.text.matchAll(/`hold ([a-z]+)/g)) expect(firstWords, word).toContain(word);
    for (const topic of Object.values(topics)) expect(topicText(topic, options).length).toBeGreaterThan(200);
  });
  test("a table of a topic keeps its lines, also where the topic begins with it", () => {
    const lines = (name: string) => topicText(topics[name]!, options).split("\n");
    expect(lines("exit-codes")).toContain("  0     done");
    expect(lines("exit-codes")).toContain("  124   time ran out");
    expect(lines("scripting").filter((l) => l.startsWith("  hold ")).length).toBeGreaterThan(4);
    for (const [name, topic] of Object.entries(topics))
      for (const line of topic.text.split("\n").filter((l) => l.startsWith("  "))) expect(lines(name), name).toContain(line);
  });
  test("`hold help X`, `hold X --help` and a group alone show pages; an unknown topic says what was meant", async () => {
    expect((await hold("help floor")).out.text).toContain("who steers");
    expect((await hold("help attach")).out.text).toMatch(/Usage[\s\S]*what you see, and what is left behind/);
    expect((await hold("new --help")).out.text).toContain("--sync-input");
    expect((await hold("host")).code).toBe(2);
    expect((await hold("host --help")).code).toBe(0);
    expect((await hold("help flor")).err.text).toContain("did you mean floor");
  });
});

test("`hold help` names every topic, and what every command takes", async () => {
  const { text } = (await hold("help")).out;
  expect(text.replaceAll("\n", " ")).toContain(`Topics: ${topicNames.join(", ")}.`);
  expect(topicNames.toSorted()).toEqual(Object.keys(topics).toSorted());
  for (const { name } of globalFlags) expect(text).toContain(name);
});

test("docs/cli.md is what the command table says", () => {
  const file = new URL("../../../../docs/cli.md", import.meta.url);
  const text = readFileSync(file, "utf8");
  const made = `${text.slice(0, text.indexOf(begins))}${reference(table)}${text.slice(text.indexOf(ends) + ends.length)}`;
  if (process.env["UPDATE_DOCS"]) writeFileSync(file, made);
  else expect(made).toBe(text);
});
