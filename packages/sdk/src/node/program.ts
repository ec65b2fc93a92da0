/** Connecting through a program that leads to a host's machine: {@link connectThrough}. */
import { randomBytes } from "node:crypto";
import { connectProgram } from "@holdfast/carrier";
import type { HostClient, ThroughOptions } from "../api/index.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import type { Way } from "../client/way.ts";
import { redialWith, surroundings, witnessFor } from "./machine.ts";

export const FIRST_MS = 120_000;
/** How long a later link may take: that of a machine which went to sleep is not waited for. */
export const AGAIN_MS = 15_000;

/**
 * Connects through a program. Who it starts at the far end proves who this is, with the credential there (bridge.ts B2).
 * Throws HoldError: `unreachable` with what the program said, and what a host refuses.
 */
export async function connectThrough(options: ThroughOptions): Promise<HostClient> {
  const { argv, againArgv = argv, timeoutMs = FIRST_MS } = options;
  const first = programWay(options, argv, timeoutMs);
  return new Client(
    await first(null),
    redialWith(programWay(options, againArgv, AGAIN_MS)),
    surroundings(),
    witnessFor(options.witness),
  );
}

/** Leads to a host through a program. `ms`: how long a link may take. */
export function programWay({ via = "sdk", client = "holdfast-sdk" }: ThroughOptions, argv: readonly string[], ms: number): Way {
  return (resume) =>
    Connection.open({
      dial: (accept) => connectProgram(argv, accept),
      credential: null,
      verifier: { randomBytes, verify: () => false },
      resume,
      via,
      client,
      signal: AbortSignal.timeout(ms),
    });
}
