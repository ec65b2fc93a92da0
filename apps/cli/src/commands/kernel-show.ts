/** `hold kernel show`. */
import { escapeText } from "@holdfast/sdk";
import { operatorKindWord } from "../show/words.ts";
import { type Context, jsonLine, line } from "../app/context.ts";
import { kernelJson, kernelText } from "../show/session.ts";

/** Of a run's code, on one line. */
const CODE_CHARS = 60;

export async function run(context: Context, flags: { readonly json: boolean }, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const { kernel, current, waiting, prompt, info } = await client.kernels.show(args[0]!);
  const runs = [...(current ? [current] : []), ...waiting];
  if (flags.json) {
    jsonLine(context.out, {
      ...kernelJson(kernel!),
      runs: runs.map((r) => ({
        run: r.run,
        phase: r.phase,
        operator: r.operator,
        name: r.name,
        kind: operatorKindWord(r.kind),
        via: r.via,
        code: r.code,
        executionCount: Number(r.executionCount) || null,
        batch: r.batch || null,
      })),
      prompt: prompt ? { prompt: prompt.prompt, run: prompt.run, text: prompt.text, password: prompt.password } : null,
      info: info.length > 0 ? (JSON.parse(Buffer.from(info).toString()) as unknown) : null,
    });
    return;
  }
  line(context.out, `${kernelText(kernel!)}, pid ${kernel!.pid || "none"}, incarnation ${kernel!.incarnation}`);
  for (const r of runs) {
    const code = escapeText(r.code.trim().split("\n")[0]!.slice(0, CODE_CHARS));
    const who = `${escapeText(r.name)}${operatorKindWord(r.kind) === "ai" ? " (ai)" : ""}`;
    line(context.out, `${r.phase.padEnd(7)} ${r.run.slice(0, 8)}  ${who}: ${code}`);
  }
  if (prompt) line(context.out, `asks: ${escapeText(prompt.text)}  (answer it with \`hold kernel reply ${args[0]!}\`)`);
  return;
}
