/** `hold take`, `release`, `pass`, `ai pause`, `ai resume`: one verb each of the floor. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";
import { floorJson, steersText } from "../show/session.ts";

type Verb = "take" | "release" | "pass" | "ai_pause" | "ai_resume";

export function verb(name: Verb): {
  run: (context: Context, flags: { json: boolean }, args: readonly string[]) => Promise<undefined>;
} {
  return {
    async run(context, flags, args) {
      const floor = await (await context.client()).floor(args[0]!, name, args[1]);
      if (flags.json) jsonLine(context.out, floorJson(floor));
      else if (context.err.isTty)
        line(
          context.err,
          escapeText(`steers: ${steersText(floor)}${floor.asking.length > 0 ? `; asked for by ${floor.asking.join(", ")}` : ""}`),
        );
      return;
    },
  };
}
