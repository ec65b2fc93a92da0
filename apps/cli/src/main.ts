/** The first code of `hold` that may be new: hands the line to the application. `--version` has been answered (scripts/entry-stub.mjs). */
import { type Here, main } from "./app/main.ts";

void begin({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd() });

async function begin(here: Here): Promise<never> {
  const version = process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev";
  return main(isMangled(here) ? await exact(here) : here, version);
}

/** Whether Node may have lost bytes that are no UTF-8: it puts U+FFFD for them. */
function isMangled({ argv, env, cwd }: Here): boolean {
  return [cwd, ...argv].some((text) => text.includes("\ufffd")) || JSON.stringify(env).includes("\ufffd");
}

async function exact({ argv, env, cwd }: Here): Promise<Here> {
  const sdk = await import("@holdfast/sdk/node");
  return { argv: sdk.exactArguments(argv), env: sdk.exactEnvironment(env), cwd: sdk.exactDirectory(cwd) };
}
