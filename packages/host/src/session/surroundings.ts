/** Where a session stands and what environment it has now: what `hold exec` starts in, and approvals are bound to. */
import { readFileSync, readlinkSync } from "node:fs";
import { HoldError, textOf } from "@holdfast/protocol";
import type { LiveSession } from "./session.ts";

/** Where the foreground shell stands: the kernel knows best, then its own word, then where it began. */
export function directoryOf(session: LiveSession): string {
  try {
    return textOf(readlinkSync(`/proc/${session.facts.pid}/cwd`, { encoding: "buffer" }));
  } catch {
    return session.commands.state.cwd ?? session.facts.cwd;
  }
}

/** As of its last prompt (`promptFile`), else of its start. K=V, which may hold any bytes. */
export function environmentOf(
  session: LiveSession,
  promptFile: string,
): { readonly env: string[]; readonly of: "prompt" | "start" } {
  for (const [path, of] of [
    [promptFile, "prompt"],
    [`/proc/${session.facts.pid}/environ`, "start"],
  ] as const) {
    try {
      const env = textOf(readFileSync(path))
        .split("\0")
        .filter((kv) => kv.includes("="));
      if (env.length > 0) return { env, of };
    } catch {
      // Not kept by this shell; the next source answers.
    }
  }
  throw new HoldError("unsupported", `the environment of session ${session.id} can't be read on this system`);
}
