/** `hold audit accept`: a restore from a copy was meant. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

export async function run(context: Context, flags: { yes: boolean; json: boolean }): Promise<number> {
  const client = await context.client();
  const alarm = await client.witness.checked();
  if (!flags.yes) {
    if (!context.input.isTty || !context.err.isTty)
      throw usage("what was seen of the host is forgotten by this, and nobody can be asked here; say so with --yes");
    context.err.write("Was the host's home put back to a copy on purpose? What was seen of it after that is forgotten. [y/N] ");
    if (!/^y(es)?$/i.test((await context.input.line())?.trim() ?? "")) {
      line(context.err, "nothing changed");
      return 1;
    }
  }
  const { atHost } = await client.witness.accept();
  if (flags.json) jsonLine(context.out, { hadAlarm: alarm !== null, atHost });
  else
    line(
      context.err,
      atHost
        ? "the record is taken as it is, here and by the host; who did that is recorded"
        : "the record is taken as it is, here; the host's own alarms stay until an admin of it accepts",
    );
  return 0;
}
