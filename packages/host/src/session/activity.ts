/** What runs in a session, by what its terminal and /proc say now. */
import { activity } from "@holdfast/core";
import type { KernelSession } from "@holdfast/kernel";
import type { ShimProbe } from "@holdfast/shim";
import type { SessionPorts } from "./ports.ts";
import { askProbe } from "./probe.ts";
import type { LiveSession } from "./session.ts";

const SHELL = /(^|\/|^-)(ba|z|fi|da|k|mk|a|tc|c)?sh$/;
/** What `hold wait --input-needed` waits for. */
export const NEEDS_INPUT: ReadonlySet<string> = new Set(["waiting_input", "waiting_secret", "idle_prompt", "interactive_app"]);

/** What the session is doing, by facts and not by its text. */
export async function activityOf(
  session: LiveSession,
  ports: Pick<SessionPorts, "clock" | "wakeAt">,
): Promise<{ readonly state: string; readonly probe: ShimProbe | null }> {
  if (session.isOver) return { state: "finished", probe: null };
  if (session.kernel) return { state: ofKernel(session.kernel.state), probe: null };
  const probe = await askProbe(session, ports);
  return {
    state: activity.classify(probe, session.commands.state, {
      hasExited: false,
      isShell: SHELL.test(session.facts.command[0] ?? ""),
      alternateScreen: false,
      architecture: process.arch === "arm64" ? "arm64" : "x64",
    }),
    probe,
  };
}

/** A kernel says it itself. */
export function ofKernel({ phase, prompt, current, queue }: KernelSession): string {
  if (prompt) return prompt.isPassword ? "waiting_secret" : "waiting_input";
  return phase === "ready" && current === null && queue.length === 0 ? "idle_prompt" : "running";
}
