/** The host of another machine, through ssh (docs/remote.md). */
import { join } from "node:path";
import { HoldError, type HostClient } from "@holdfast/sdk";
import { connectThrough, witnessFile } from "@holdfast/sdk/node";
import { type Remote, sshCommand } from "../read/remote.ts";
import type { Context } from "./context.ts";

/** What a shell says of a command that it does not find. */
const NOT_FOUND = /ended with 127\b/;

export async function connectRemote(context: Context, remote: Remote): Promise<HostClient> {
  const { remoteSsh: ssh, remoteHold: hold } = await context.settings();
  const command = (again: boolean): string[] => sshCommand(remote, { ssh, hold, as: context.as, again });
  try {
    return await connectThrough({
      argv: command(false),
      againArgv: command(true),
      via: "cli",
      client: `hold/${context.version}`,
      witness: witnessFile(join(await context.configFolder(), "witnessed")),
    });
  } catch (fault) {
    if (!(fault instanceof HoldError)) throw fault;
    const { destination } = remote;
    if (fault.code === "unreachable" && NOT_FOUND.test(fault.message))
      throw new HoldError(
        "unreachable",
        `${hold} is not found on ${destination}: install Holdfast there, or say where it is: hold config set remote.hold PATH (${fault.message})`,
        { destination },
        { cause: fault },
      );
    throw new HoldError(fault.code, `${destination}: ${fault.message}`, { ...fault.details, destination }, { cause: fault });
  }
}
