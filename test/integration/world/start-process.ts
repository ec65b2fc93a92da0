/** Starts the host of a home, as `hold` does on its first use: node start-process.ts HOME. */
import { argv } from "node:process";
import { startHost } from "@holdfast/host/start";
import { program } from "./program.ts";

await startHost({ home: argv[2]!, timeoutMs: 60_000, program });
