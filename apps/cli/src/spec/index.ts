/** Every command of `hold`, in the order in which help lists them. */
import { aiCommands } from "./ai.ts";
import type { AnyCommand, CommandTable, Group } from "./command.ts";
import { fileCommands } from "./files.ts";
import { forwardCommands } from "./forward.ts";
import { helpCommands } from "./helping.ts";
import { hostCommands } from "./host.ts";
import { kernelCommands } from "./kernels.ts";
import { notebookCommands } from "./notebooks.ts";
import { operatorCommands } from "./operators.ts";
import { policyCommands } from "./policy.ts";
import { readingCommands } from "./reading.ts";
import { relayCommands } from "./relay.ts";
import { runbookCommands } from "./runbooks.ts";
import { scriptingCommands } from "./scripting.ts";
import { sessionCommands } from "./sessions.ts";
import { steeringCommands } from "./steering.ts";

export const commands: readonly AnyCommand[] = [
  ...sessionCommands,
  ...steeringCommands,
  ...scriptingCommands,
  ...kernelCommands,
  ...notebookCommands,
  ...runbookCommands,
  ...fileCommands,
  ...forwardCommands,
  ...readingCommands,
  ...operatorCommands,
  ...aiCommands,
  ...policyCommands,
  ...hostCommands,
  ...relayCommands,
  ...helpCommands,
];

const groupBriefs: Readonly<Record<string, string>> = {
  ai: "AI operators' input",
  approvals: "what AIs have asked people for",
  audit: "the record of who did what, over all sessions",
  files: "files of a session's machine",
  operator: "operators: who may do what",
  invitation: "invitations to sessions and to this host",
  policy: "what AIs may do",
  notebook: "notebooks, which run in kernel sessions",
  kernel: "Jupyter kernels, which are sessions",
  host: "the host of this machine",
  relay: "a relay that runs on this machine",
  config: "settings",
  context: "relays and hosts by a name",
  runbook: "documents whose cells run in live sessions",
};

const groupTitles: Readonly<Record<Group, string>> = {
  sessions: "Sessions",
  steering: "Steering",
  scripting: "Scripting",
  reading: "Reading and recording",
  operators: "Operators",
  host: "Host and settings",
  relays: "Relays",
  help: "Help",
};

export const table: CommandTable = { commands, groupBriefs, groupTitles };
