/** Connecting to a host that listens for ssh, through the system's own client. */
import { connectProgram } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { SshOptions } from "../api/index.ts";
import { Connection } from "../client/connection.ts";
import type { Way } from "../client/way.ts";
import { credentialOf } from "./keys.ts";
import { networkVerifier } from "./known-hosts.ts";
import { AGAIN_MS, FIRST_MS, programWay } from "./program.ts";

/** What the host calls its frames over SSH. */
const SUBSYSTEM = "holdfast";
/** Nobody may be there to be asked when a link is had again. */
const UNATTENDED = ["-o", "BatchMode=yes"];
/** A host that went without a word is noticed as by the other carriers. */
const ALIVE = ["-o", "ServerAliveInterval=20", "-o", "ServerAliveCountMax=3"];

export function sshWay(options: SshOptions, { isAgain = false } = {}): Way {
  const { ssh, program = ["ssh"], home, as, via = "sdk", client = "holdfast-sdk", timeoutMs = FIRST_MS } = options;
  const { host, destination, port } = parse(ssh);
  const argv = [
    ...program,
    ...(isAgain ? UNATTENDED : []),
    ...ALIVE,
    ...(port ? ["-p", port] : []),
    ...["-T", "-s", "--", destination, SUBSYSTEM],
  ];
  const ms = isAgain ? AGAIN_MS : timeoutMs;
  if (home === undefined) return programWay({ argv, via, client }, argv, ms);
  return (resume) =>
    Connection.open({
      dial: (accept) => connectProgram(argv, accept),
      credential: credentialOf(home, as),
      // Which host this is, ssh has made sure of.
      verifier: networkVerifier(home, new URL(`ssh://${host}:${port || 22}`), "first"),
      resume,
      via,
      client,
      signal: AbortSignal.timeout(ms),
    });
}

function parse(text: string): { readonly host: string; readonly destination: string; readonly port: string } {
  const [, user = "", bracketed, plain, port = ""] =
    /^(?:ssh:\/\/)?([^@\s]+@)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:@/]+))(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  if (!name || Number(port) > 65_535)
    throw new HoldError("usage", `${JSON.stringify(text)} is no address for ssh; box.example:2222 and build@[fd00::1]:2222 are`);
  return { host: bracketed ? `[${bracketed}]` : name, destination: `${user}${name}`, port };
}
