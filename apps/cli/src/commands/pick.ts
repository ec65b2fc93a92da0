/** `hold` alone: sessions to attach to, or a new one. */
import { type Context, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { nearest } from "../read/near.ts";
import { sessionRow } from "../show/session.ts";
import { table } from "../show/table.ts";
import { isRunning } from "../show/words.ts";

export async function run(context: Context): Promise<number | undefined> {
  if (!context.input.isTty || !context.out.isTty)
    throw usage(
      "`hold` alone asks a person; in a script use `hold ls --json`, `hold attach SESSION` or `hold new`; `hold help` lists the commands",
    );
  const client = await context.client();
  const sessions = (await client.list())
    .filter(isRunning)
    .filter((s) => s.id !== context.env["HOLDFAST_SESSION"])
    .sort((a, b) => Number(b.lastActivityUnixMs - a.lastActivityUnixMs));
  if (sessions.length > 0) {
    const { paint } = context;
    const rows = sessions.map((s, i) => {
      const [name, id, , here, steers, , active, cwd, command] = sessionRow(
        { ...s, id: s.id.slice(0, 8) },
        context.now(),
        context.env["HOME"],
      );
      return [String(i + 1), name || id!, here!, steers!, active!, cwd!, command!];
    });
    const columns = [
      { title: "", right: true, paint: paint.cyan },
      { title: "NAME", least: 8, give: 1, paint: paint.bold },
      { title: "HERE", least: 6, give: 3 },
      { title: "STEERS", least: 6, give: 2 },
      { title: "ACTIVE" },
      { title: "DIRECTORY", least: 8, give: 4 },
      { title: "COMMAND", least: 8, give: 5 },
    ];
    for (const l of table(columns, rows, context.out.columns, { head: paint.dim })) line(context.out, l);
    context.out.write(
      `attach to a number or name; n NAME for a new one, Enter for ${sessions[0]!.name || sessions[0]!.id.slice(0, 8)}, q to leave: `,
    );
  } else {
    context.out.write("no live sessions. Name of a new one (Enter for none, q to leave): ");
  }
  const answer = (await context.input.line())?.trim();
  if (answer === undefined || answer === "q") return 0;
  const fresh = sessions.length === 0 ? answer : /^n(?:\s+(.*))?$/.exec(answer)?.[1]?.trim();
  if (sessions.length === 0 || /^n(\s|$)/.test(answer)) {
    const { run: open } = await import("./new.ts");
    const flags = {
      detached: false,
      attach: false,
      pipes: false,
      kernel: undefined,
      cwd: undefined,
      env: [],
      size: undefined,
      group: undefined,
      floor: undefined,
      syncInput: false,
      ttl: undefined,
      idleTtl: undefined,
      grace: undefined,
      noIntegration: false,
      agentForward: false,
      json: false,
    };
    return open(context, flags, fresh ? [fresh] : []);
  }
  const byNumber = /^\d+$/.test(answer) ? sessions[Number(answer) - 1] : undefined;
  const chosen =
    answer === ""
      ? sessions[0]
      : (byNumber ?? sessions.find((s) => s.name === answer) ?? sessions.find((s) => s.id.startsWith(answer)));
  if (!chosen) {
    const near = nearest(answer, sessions.map((s) => s.name).filter(Boolean));
    throw usage(`no session here is ${JSON.stringify(answer)}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`);
  }
  const { attachAtTerminal } = await import("../attach/at-terminal.ts");
  return attachAtTerminal(context, { session: chosen.id, observe: false, take: false });
}
