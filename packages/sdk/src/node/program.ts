/** Connecting through a program that leads to a host's machine: {@link connectThrough}. */
import { randomBytes } from "node:crypto";
import { connectProgram } from "@holdfast/carrier";
import type { HostClient } from "../api.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import { redialWith, surroundings } from "./machine.ts";

export interface ThroughOptions {
  /** Program and arguments; it speaks frames on its standard input and output, as `ssh box hold attach --carrier stdio` does. */
  readonly argv: readonly string[];
  /** The same for the links after the first, when nobody may be there to be asked for a passphrase. Default: `argv`. */
  readonly againArgv?: readonly string[];
  readonly via?: "cli" | "sdk" | "mcp" | "web" | "ssh";
  /** Shown in audit. */
  readonly client?: string;
  /** How long the first link may take, a person's answering included. Default 2 min. */
  readonly timeoutMs?: number;
}

/** How long a later link may take: that of a machine which went to sleep is not waited for. */
const AGAIN_MS = 15_000;

/**
 * Connects through a program. Who it starts at the far end proves who this is, with the credential there (bridge.ts B2).
 * Throws {@link HoldError}: `unreachable` with what the program said, and what a host refuses.
 */
export async function connectThrough(options: ThroughOptions): Promise<HostClient> {
  const { argv, againArgv = argv, via = "sdk", client = "holdfast-sdk", timeoutMs = 120_000 } = options;
  const open = (program: readonly string[], ms: number): Promise<Connection> =>
    Connection.open({
      dial: (accept) => connectProgram(program, accept),
      credential: null,
      verifier: { randomBytes, verify: () => false },
      via,
      client,
      signal: AbortSignal.timeout(ms),
    });
  return new Client(
    await open(argv, timeoutMs),
    redialWith(() => open(againArgv, AGAIN_MS)),
    surroundings(),
  );
}
