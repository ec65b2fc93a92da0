/** Topics for who works in sessions. */
import type { Topic } from "../topic.ts";

export const using: Readonly<Record<string, Topic>> = {
  sessions: {
    brief: "Sessions: what lives, and what ends it",
    text: `
A session is a running program with its terminal or its pipes: a shell and all that it starts, a build, a server. It belongs to no connection. Close the window, lose the network, kill every \`hold\`, kill the host: the program runs on, and \`hold attach NAME\` shows its screen as it is now.

# What ends a session

The end of its program (\`exit\` in a shell), \`hold kill\`, or a limit that it was opened with: \`--ttl\`, \`--idle-ttl\`. Nothing else; there is no default limit. A reboot ends its processes: the session is then \`lost\`, and keeps its record and its last screen.

# Names

SESSION on the command line is an id, a beginning of an id that is unique, or a name. Names of live sessions are unique; a live session's name wins over an ended one's. Inside a session HOLDFAST_SESSION holds its id.

# States

  running   the program lives
  ended     it exited or was killed: "exit 3", "SIGKILL"
  lost      the machine or the session's holder died under it; the code is not known, and never reported as 0
  failed    the program could not be started

# Terminal or pipes

\`hold new\` gives the program a terminal. \`--pipes\` gives it a pipe each for stdin, stdout and stderr: nothing is echoed or translated, and the two outputs stay apart in the journal.`,
  },
  kernels: {
    brief: "Kernels: code that keeps its variables, for as long as you like",
    text: `
A kernel is a program that runs code piece by piece and keeps its variables: Python, R, Julia, JavaScript, whatever Jupyter has. \`hold new data --kernel python3\` opens one as a session. It needs no notebook, no Jupyter server and no browser, and no tab's end is its end: what it prints is recorded whether anybody looks or not.

# Running code

  hold run data -- 'x = 41'
  hold run data -- 'print(x + 1)'
  hold run data - < analysis.py

Text, tables and tracebacks are printed. Pictures are drawn where the terminal can (kitty, iTerm2, WezTerm, Ghostty), else kept in a file whose path is told. The exit code is 0, or 1 when the code failed. \`--json\` has everything.

# Its console

\`hold attach data\` is a console: code of several lines, completion (Tab), \`name?\`, history, and what everybody runs with their names. Ctrl-C interrupts, Ctrl-D leaves, and what was sent runs on. \`hold log data\` and \`hold screen data\` show what was run and what it showed.

# Turns

Nobody is refused for want of the floor: what people and AIs ask waits in one queue, in one order, each with the name of who asked (\`hold kernel show\`). A piece that fails throws nothing away that others have asked. What waits can be cancelled, what runs can be interrupted.

# Questions

What \`input()\` asks is the session's question: it waits, and whoever may type answers it (\`hold kernel reply\`), also when who ran the code has gone. An answer to \`getpass()\` is erased from the record once the kernel has it.

# Interrupting and starting anew

\`hold kernel interrupt\` stops what runs and keeps the variables. Some kernels end when they are interrupted; of one that is not known to stay it is asked for first (\`--confirm\`). \`hold kernel restart\` ends the kernel and starts it in the same session, with nothing in it: what waited is not run.

# From JupyterLab, Notebook and VS Code

\`hold kernel serve\` opens an endpoint that speaks as a Jupyter server does, and prints the steps for each. Every kernel here is in their lists; a tab that is closed ends nothing, and one whose connection broke goes on where it was. Its token is yours, for an hour from its last use: whoever has it acts as you.`,
  },
  floor: {
    brief: "The floor: who steers, and how that changes",
    text: `
Any number of operators watch a session; one at a time steers it, by holding the floor. Each input carries the name of who sent it.

# Getting it

Typing takes a free floor. It is free again 4 seconds after a person's last key, 30 seconds after a program's. A person takes it from an AI or a service at once, by \`hold take\` or by the first key. Between equals it is asked for (\`Ctrl-q a\`) and passed (\`Ctrl-q p\`, \`hold pass\`). An AI never takes it from a person, nor over a line that somebody has begun to type, and does not signal, end or resize a session while a person steers it.

# The seat

The floor belongs to one attachment, the seat. If you are attached from two terminals, typing in the other one moves it there. The session's size follows the seat, unless it is pinned (\`hold resize\`).

# Late input

Each change of the floor raises its epoch. Input that was on its way under an older epoch is not written: its sender is told \`void\`, or \`cut\` with the number of bytes that were.

# AI operators

\`hold ai pause SESSION\` refuses all input of AI operators, whatever carrier it comes over, until \`hold ai resume\`.

# Open floor

\`hold new --floor open\` makes a session in which all may type at once: inputs interleave frame by frame, still ordered and attributed.`,
  },
  attach: {
    brief: "Attaching: what you see, and what is left behind",
    text: `
\`hold attach NAME\` draws the session's screen at once, then passes its output on as it comes. No row is taken for a status line: who is here and who steers is laid over the last row for 2 seconds, when you attach and when it changes (setting attach.status).

# Which screen is drawn on

By default the terminal's alternate screen, as an editor does: on leaving you have your own screen back, exactly, and your scrollback was not touched. The session's history is behind \`Ctrl-q [\`, all of it and not just what a terminal would have kept. A session's own switch to the alternate screen (vim, less) is followed without leaving ours; \`clear\` does not erase your scrollback. With \`hold config set attach.screen main\` the session is drawn on the main screen instead: output then goes into your terminal's own scrollback, and your previous screen is pushed up into it.

# Another size

The session has the size of who steers. If yours differs you see it through a window: letterboxed if it is smaller, panning after the cursor if it is larger. The moment you type, the size becomes yours.

# Leaving

\`Ctrl-q d\`. On leaving, on a crash and on SIGTERM or SIGHUP the modes that the session had set on your terminal are undone, those and no others. After \`kill -9\` nothing can: \`hold doctor --reset-terminal\` puts the terminal in order.

# When the link drops

The screen stays, the last row says so, and \`hold\` tries again until it is back. What you typed before is sent once. What you type meanwhile is held: it goes out by itself if the link is back within 5 seconds, and is asked about otherwise.`,
  },
  "session-files": {
    brief: "Files of a session's machine",
    text: `
\`hold files ls|get|put|watch\` reach the files of the machine that a session runs on, as the user that it runs as. A path that is not absolute begins where the session's shell is now. Who may type into the session may read and write whatever that user may; who only watches may not.

# Two at one file

\`put\` replaces a file whole, or not at all. To be sure that nobody has changed it since you read it, say what you have read:

  hold files get build config.toml config.toml --json     # prints its sha256
  hold files put build config.toml config.toml --if-hash SHA256

If it has changed, nothing is written and the error is \`file_changed\`. Programs on the machine keep to no such rule: one that writes in the very moment is overwritten.

# The record

Each file that is read or written stands in the session's log with who, which file and its size; with the SHA-256 of what was written, or of a file that was read in one go: \`hold log build --kind file_used\`. Its content does not.`,
  },
  remote: {
    brief: "Sessions of other machines, through ssh",
    text: `
\`hold attach ana@box:build\` attaches to the session \`build\` of the machine \`box\`. Your own \`ssh\` goes there, with your keys, your aliases and your known hosts, and starts \`hold attach --carrier stdio\` there, which leads to the host of that account and starts it if need be. Nothing listens on the network for it, and no host runs on this machine. Another port is written \`ssh://ana@box:2222/build\`.

# Who you are there

The operator whose key lies in that account's home: by default its user; with \`--as NAME\` another one that has a key there. Who may log in to the account may use its keys, as with everything else in it.

# When the link breaks

The session runs on. \`hold\` notices a dead link within about 15 seconds, calls ssh again until it gets through, and goes on where it was: what came meanwhile is shown, what you had typed before is sent once. Nobody can be asked for a passphrase then, so have the key in an agent.

# Where \`hold\` is over there

It is called as \`hold\`, on the path that a login without a terminal has. Where it is not on it: \`hold config set remote.hold /home/ana/.local/bin/hold\`. What is called instead of ssh is the setting remote.ssh: a script may add options, or go through something else altogether.

# Anything that can start a program

\`hold attach --carrier stdio\` speaks the protocol's frames on its standard input and output (docs/protocol.md), so \`docker exec -i box hold attach --carrier stdio\` reaches into a container, and the SDK's \`connectThrough({ argv })\` takes any such command.`,
  },
  forward: {
    brief: "Ports and files of a session, from here",
    text: `
A session's programs may serve something: a page, a notebook, a database. \`hold forward SESSION --list\` tells what they listen on. It is reached from wherever the session is, by every way that leads to its host, and a relay between reads nothing of it.

# An admin allows it

On the host's machine: \`hold config set host.forward on\`, then \`hold host down && hold host up\` (sessions run on). Until then only \`ssh -L\` leads there.

  off   nobody is led to ports of sessions
  ssh   \`ssh -L\` is, where the host takes ssh clients (the default)
  on    \`hold forward\` and \`hold preview\` too

# Ports

\`hold forward web 3000\` makes port 3000 of the session port 3000 of this machine's loopback, for every program here. \`3000:8080\` makes it 8080. When the link is cut what is open ends, and the next connection finds the way again.

\`hold preview web 5173\` is for a browser: it prints a link that lets in who opens it first, and nobody else. The program there is asked as if on its own machine, so dev servers that look at Host and Origin work; WebSockets come through. In a script, or with a browser that does not know names below localhost, use \`hold forward\`.

# Files

\`hold cp build:dist/app.tar.gz .\` copies from the session's directory of now, \`hold cp notes.txt build:\` into it, \`-r\` folders. What was cut goes on where it was when the same line is run again: until then it is kept beside its place as \`.NAME.….part\`. Both ends compare the SHA-256 of the whole before the file is put in its place.

# Who may, and what is recorded

Files are had by whoever may type (\`hold help session-files\`), whether ports are led to or not. Ports: whoever may type in the session; an AI where the policy lets it \`exec\` without a question. Only ports that programs of this session listen on: not those of other sessions, of containers or of services of the machine. Who is revoked is cut off within a second. The record (\`hold log SESSION --kind port_used\`) has who went to which port, how many connections there were and how many bytes went each way.`,
  },
  ssh: {
    brief: "Sessions through any ssh client, sftp and scp",
    text: `
  hold host up --ssh 0.0.0.0:2222
  hold operator add ana --public-key ~/.ssh/id_ed25519.pub

A host that was told to takes stock ssh clients. The user name is the session; the key says which operator it is. No Holdfast is needed where the client is, and no login on this machine.

  ssh -p 2222 build@box                   attach to the session build
  ssh -p 2222 build@box make test         a command beside it, as \`hold exec\`
  ssh -t -p 2222 build@box vim notes      the same with a terminal of its own
  ssh -s -p 2222 build@box observe        watch, and send nothing
  sftp -P 2222 build@box                  files, from the session's directory
  scp -P 2222 results build@box:
  ssh -N -L 8080:localhost:8080 -p 2222 build@box

# At a terminal

Ctrl-q d detaches, Ctrl-q t takes the floor, Ctrl-q r releases it, Ctrl-q Ctrl-q sends Ctrl-q. To leave in any way leaves the session running; when the session ends, ssh ends with its exit code. A terminal of another size than the session's, where somebody else steers, shows the screen without colours.

# Which host that is

\`hold host status\` shows the fingerprint that ssh asks about the first time. The key is the host's own and stays.

# Who may

What the operator's role allows, as everywhere. Keys are of Ed25519. Who is revoked is out within a second.`,
  },
  keys: {
    brief: "Keys of an attachment",
    text: `
Everything typed goes to the session, but for the prefix key, Ctrl-q, and the one key after it.

  Ctrl-q d        detach: leave, the session runs on
  Ctrl-q t        take the floor
  Ctrl-q a        ask for the floor
  Ctrl-q p        pass the floor to somebody who is here
  Ctrl-q P        pause the input of AI operators, or resume it
  Ctrl-q w        who is here and who steers
  Ctrl-q [ or s   scroll and search the whole history
  Ctrl-q n        next session
  Ctrl-q l        the session that you came from
  Ctrl-q 1 … 9    the session of that number, the oldest first
  Ctrl-q r        draw the screen anew
  Ctrl-q ?        help
  Ctrl-q Ctrl-q   sends Ctrl-q itself

Another prefix: \`hold config set attach.prefix C-a\`, or HOLDFAST_PREFIX for once.

# In the history

  Up, Down, j, k      a line             Space, b, PgDn, PgUp   a page
  g, G                the ends           /                      search as you type
  n, N                older, newer       q, Esc                 back to the session

# Pastes and interrupts

A paste goes as one unit: nobody's input comes in between. Ctrl-C, Ctrl-\\ and Ctrl-Z overtake what is queued, also a paste of somebody else.`,
  },
  scripting: {
    brief: "Scripting: sessions from programs",
    text: `
  id=$(hold new build -d -- bash)          open, without attaching
  hold run build -- make test              type a command, wait, get its output and its code
  hold exec build -- git rev-parse HEAD    beside the terminal, nothing on the screen
  hold send build --key C-c                one input
  hold wait build --input-needed           until it waits for somebody
  hold screen build                        what is on the screen
  hold kill build

# JSON

\`--json\` prints one object; for lists and streams one a line. Nothing else is on standard output. Keys are camelCase, times UTC ISO 8601, sizes bytes, durations in the unit that the key names. Errors are one object on standard error: code, message, advice (retry, wait, reattach, take_snapshot, stop), details, exit.

# run and exec

\`run\` uses the shell that everybody sees: its variables, its directory, its history. It refuses (exit 4) while somebody's half-typed line stands at the prompt, and takes its line back if the shell waits for more. \`exec\` starts a program of its own with the shell's directory of now and environment of the last prompt. Both exit with the command's code and never with 0 when that is not known.

# wait

\`wait\` says what fired: exit, command, match, idle, input_needed, timeout, or ended (the session, and \`--exit\` was not asked for: exit 1), and the session's state: idle_prompt, running, waiting_input, waiting_secret, interactive_app, finished. It reads the kernel's state and shell integration, not the text on the screen. It never ends anything.

# Input that is not lost and not doubled

\`hold send --json\` gives the input's position in the journal. Exit 0 means that the program's terminal took all of it; with \`--durable\` also that it is on the disk.`,
  },
  runbooks: {
    brief: "Runbooks: documents whose cells run in live sessions",
    text: `
  hold runbook ls README.md                    what can be run
  hold runbook run README.md setup test        in a session that ends with the run
  hold runbook run README.md --all --contained each cell in a child of the shell, as CI would
  hold runbook run deploy --session work       the tree's cell of that name, in the shell that you are attached to

The document is Markdown; its code blocks are cells. Files that were written for Runme run as they are, or the difference is in docs/runbooks.md.

# Live and contained

Cells of a shell run in the session's own shell: what one sets (directory, functions, aliases, arrays) is there for the next, for people who are attached and for AIs. \`--contained\` gives each a child of it: \`exit\`, \`set -e\` and \`exec\` then end the cell alone, and what it set is taken over.

# Its turn

A cell is typed as one command when the prompt is free and nobody else steers; until then it waits, and standard error says why. It is never typed into a program.

# Variables

\`export NAME=value\` at the top of a cell asks for it; \`--yes\` leaves what the document says. Secrets are read unseen, and are in no record, no argument and nothing that is written.`,
  },
};
