/** `hold runbook check`. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { documentsOf, type TreeFlags } from "../runbook/chosen.ts";

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly isWrong: boolean;
  readonly says: string;
}

export async function run(context: Context, flags: TreeFlags & { json: boolean }, args: readonly string[]): Promise<number> {
  const { machineHere, plan, readEnvFiles, serialise } = await import("@holdfast/sdk/runbook/node");
  const { root, sheets } = await documentsOf(context.cwd, args, flags);
  const machine = machineHere({ root, env: context.env, envFiles: await readEnvFiles(root) });
  const found: Finding[] = [];
  for (const { file, runbook } of sheets) {
    const say = (at: number, isWrong: boolean, says: string): void => void found.push({ file, line: at, isWrong, says });
    for (const { line: at, message } of runbook.warnings) say(at, true, `the front matter can't be read: ${message}`);
    if (serialise(runbook) !== runbook.text) say(1, true, "it would not be written as it was read");
    const steps = plan(
      runbook.cells.map((cell) => ({ file, runbook, cell })),
      machine,
    );
    const wanted = new Map<string, number>();
    for (const cell of runbook.cells) {
      const step = steps[cell.index]!;
      const own = cell.info.entries["name"];
      if (own !== undefined && own !== "" && wanted.has(own))
        say(cell.line, true, `the name ${own} is taken by the cell in line ${wanted.get(own)}; this one is ${cell.name}`);
      else if (own) wanted.set(own, cell.line);
      if (step.isUnknown) say(cell.line, false, `nothing is known to run ${cell.language || "it"}: ${cell.name} is printed`);
      if (step.ownCwd !== null && !(await isFolder(step.ownCwd)))
        say(cell.line, false, `${cell.name} runs in ${step.ownCwd}, which is not there`);
      for (const ask of step.asks)
        if (ask.status !== "resolved")
          say(cell.line, false, `${cell.name} asks for ${ask.name}${ask.isSecret ? ", a secret" : ""}`);
    }
    const { documentCwd } = steps[0] ?? {};
    if (documentCwd && !(await isFolder(documentCwd))) say(1, true, `its cells begin in ${documentCwd}, which is not there`);
  }
  for (const { isWrong, says, ...at } of found) {
    if (flags.json) jsonLine(context.out, { ...at, level: isWrong ? "error" : "note", says });
    else line(context.out, escapeText(`${join(at.file)}:${at.line}: ${isWrong ? "" : "note: "}${says}`));
  }
  const wrong = found.filter(({ isWrong }) => isWrong).length;
  if (!flags.json) line(context.err, `${sheets.length} document${sheets.length === 1 ? "" : "s"}, ${wrong} wrong`);
  return wrong > 0 ? 1 : 0;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (at) => at.isDirectory(),
    () => false,
  );
