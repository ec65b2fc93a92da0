/** `hold approvals watch`: each request once as it comes, and again when something became of it. */
import { type Context, line } from "../app/context.ts";
import { print } from "./approvals-show.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const client = await context.client();
  const told = new Map<string, string>();
  let printing: Promise<void> = Promise.resolve();
  await client.approvals.watch((approvals) => {
    const news = approvals.filter((a) => told.get(a.id) !== a.state);
    for (const id of [...told.keys()]) {
      if (approvals.some((a) => a.id === id)) continue;
      told.delete(id);
      printing = printing.then(() => {
        if (!flags.json) line(context.out, `${id} is over\n`);
      });
    }
    for (const a of news) {
      told.set(a.id, a.state);
      printing = printing.then(async () => {
        await print(context, flags, a);
        if (!flags.json) line(context.out, "");
      });
    }
  }, context.cancelled);
  await printing;
  return;
}
