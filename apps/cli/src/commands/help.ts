/** `hold help`: a command's page, then the topic of that name. */
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { helpFor } from "../help/page.ts";
import { topicText, topics } from "../help/topics.ts";
import { didYouMean } from "../read/near.ts";
import { findCommand } from "../spec/command.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  const { out, env, table } = context;
  const page = { columns: out.columns, isTty: out.isTty, env };
  const name = args.join(" ");
  const isCommand =
    args.length === 0 || findCommand(table, args) !== undefined || (args.length === 1 && args[0]! in table.groupBriefs);
  const topic = topics[name];
  if (!isCommand && !topic) {
    const known = [...table.commands.filter((c) => !c.hidden).map((c) => c.path.join(" ")), ...Object.keys(topics)];
    throw usage(`there is no help on ${JSON.stringify(name)}${didYouMean(name, known)}; \`hold help\` lists commands and topics`);
  }
  if (isCommand) out.write(helpFor(table, args, page));
  if (topic) out.write(`${isCommand ? "\n" : ""}${topicText(topic, page)}`);
  return;
}
