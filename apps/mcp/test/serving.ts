/** `hold mcp --listen`, as a test has it. */
import { spawn } from "node:child_process";
import { fact } from "../../../test/integration/world/processes.ts";
import type { World } from "../../../test/integration/world/world.ts";
import { hold } from "./agent.ts";

/** Starts it on a port that is free; resolves with its address. */
export async function serving(w: World, ...more: string[]): Promise<URL> {
  const child = spawn(hold, ["mcp", "--listen", "127.0.0.1:0", ...more], { env: w.env, cwd: w.files });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const over = new Promise((ended) => child.once("close", ended));
  w.atEnd(() => void child.kill());
  const [, url] = await fact("it serves", () => {
    if (child.exitCode !== null) throw new Error(said);
    return /serves at (\S+);/.exec(said);
  });
  void over;
  return new URL(url!);
}
