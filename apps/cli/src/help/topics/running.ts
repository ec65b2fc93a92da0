/** Topics of reference: codes, variables, files. */
import type { Topic } from "../topic.ts";

export const running: Readonly<Record<string, Topic>> = {
  "exit-codes": {
    brief: "Exit codes",
    text: `
  0     done
  1     failed; the message says why and what to do
  2     the line was wrong
  3     no such session, or several that it could be (they are listed)
  4     refused: somebody else holds the floor, or a right is missing
  5     the host could not be reached
  124   time ran out
  else  with run and exec: the command's own code; 128 and the signal's number if a signal ended it,
        or stopped a hold that waited (130: Ctrl-C)

Errors are one line on standard error: \`[code] message\`. The code is stable, the message is for people. With \`--json\` it is one JSON object with code, message, advice, details and exit.`,
  },
  environment: {
    brief: "Environment variables",
    text: `
# Read by hold

  HOLDFAST_HOME     folder of the state; default $XDG_STATE_HOME/holdfast. A folder a machine is made in it
  XDG_CONFIG_HOME   config.toml is in holdfast/ there; default ~/.config
  HOLDFAST_AS       the credential to use, as --as NAME
  HOLDFAST_HOST     the host to speak to, as --host URL
  HOLDFAST_RELAY    the relay to go through, or several with commas, as --relay URL
  HOLDFAST_CONTEXT  the context, as --context NAME
  HOLDFAST_PREFIX   prefix key of attachments, e.g. C-a
  HOLDFAST_NODE     the Node to run on
  HOLDFAST_HOST_FLAGS  more of Node's flags for the host, separated by spaces, for who profiles it. NODE_OPTIONS never reaches the host
  HOLDFAST_DEBUG    set: failures come with their stack
  NO_COLOR          set: no colour
  SHELL             what \`hold new\` runs without a command
  COLUMNS           width of tables where there is no terminal to ask

# Set in sessions

  HOLDFAST_SESSION  the session's id; in what \`hold exec\` runs, that of the session beside which it runs

A session has the environment, the directory, the umask and the limits of the \`hold new\` that opened it, and not those of the host. They can't be changed from outside afterwards; \`--agent-forward\` gives SSH_AUTH_SOCK a stable path that is pointed at the agent of who attached last.`,
  },
  files: {
    brief: "Files and folders",
    text: `
State is in $HOLDFAST_HOME (default ~/.local/state/holdfast), in a folder a machine, readable by you alone:

  keys/            credentials: one Ed25519 key each
  run/             sockets
  journal/         the record: ledger segments, payload files, seals
  checkpoints/     screens, so that an attach need not read the whole journal
  tools/           the shim, where it had to be built for this machine
  operators.json   who may do what; invitations.json: who may come in (no token is in it)
  known_hosts      hosts of other machines by address, with the credential that is used there
  host.key         what the host proves itself with; audit.key signs the record
  host.log         the host's own log

Settings are in $XDG_CONFIG_HOME/holdfast/config.toml (default ~/.config). \`hold config\` shows what is in effect and where it comes from, \`hold config edit\` opens the file with every setting in it.

The index beside the journal can be deleted: it is built again. The journal can't.

\`hold-NAME\` on the path becomes \`hold NAME\`; commands of hold's own always win.`,
  },
};
