/** Topics about what is kept and who may do what. */
import type { Topic } from "../topic.ts";

export const trusting: Readonly<Record<string, Topic>> = {
  recording: {
    brief: "Recording: what is kept, for how long, and how it goes again",
    text: `
Sessions are recorded, all of them: what they print, what is typed and by whom, sizes, signals, who came and went, commands and their codes. The record is in your home, readable by you alone, and leaves the machine only if you export it.

# For how long

Output: the newest 64 MiB of a session. Who did what: 90 days. What is gone is shown as a gap with its exact range. \`hold rm\` removes an ended session's output at once.

# Secrets

What is typed while the terminal does not echo and reads by lines (sudo, ssh, passwd) is not kept: its length and who typed it are. Programs that read a password in raw mode can't be told from editors, so such a secret is kept like any other key. \`hold redact SESSION --seq N\` erases a payload for good, \`--match TEXT\` every printed line that holds TEXT. The audit chain stays whole.

# Sharing

  hold export build -o build.cast                 asciicast, version 2
  hold export build --format asciicast-v3 --markers
  hold export build --format text

What was typed is in it only with \`--input\`.`,
  },
  journal: {
    brief: "The journal: order, positions, and proof",
    text: `
Each session has one sequence, \`seq\`, from 1 and without holes: output, input, sizes, signals, attachments, the floor, commands, the exit. \`hold log SESSION\` prints it, \`--json\` for programs, \`--raw\` the output's bytes exactly.

An input is in the journal before the program reads it. \`input_settled\` then tells what became of it:

  applied   the program's terminal took all of it
  refused   not one byte was written
  void      it was on its way when the floor changed; not one byte was written
  cut       so many bytes were written, and no more

# Proof

Records of all sessions form one hash chain over commitments, sealed and signed with the host's audit key. \`hold audit verify\` reads the files themselves and names the position of any flipped byte and any dropped, doubled or swapped record. Erasing a payload leaves a gap and breaks nothing. 

The chain proves the past up to the last head that somebody else has seen. Your clients see one with each command and relays one a minute, and all say so when a host has less than they saw, or something else: records were cut off, changed, or the home is an older copy. What runs goes on. \`hold audit verify\` compares the files with all of them; \`hold audit heads\` prints one to keep on paper or in git, for \`--witness\`. After a restore that was meant: \`hold audit accept\`.`,
  },
  operators: {
    brief: "Operators: identities, kinds and roles",
    text: `
Who acts is an operator: a human, a service or an AI, with a name and one or more keys. A connection is not an identity: one person by terminal, browser and script is one operator. The user of the machine is the first, with the role admin.

  hold operator add ana --kind human --role operator     with a key that is made here
  hold operator invite ana                               with one that is made where ana is
  hold operator add claude --kind ai --role operator --on-behalf-of ana
  hold --as ana attach build

# Roles

  observer   sees sessions, screens and journals
  operator   also opens sessions, types, takes the floor
  approver   sees, and decides on what AIs ask (\`hold help policy\`)
  auditor    reads the record of all sessions
  admin      all of it, operators too

The host checks the role at every frame that changes something. \`hold operator revoke ana\` takes effect within a second; sessions that ana opened run on, since a session has no owner. With \`--key\` one device of hers is out, and she is not (\`hold help identity\`).`,
  },
  identity: {
    brief: "Identity: invitations, devices, guests, logins",
    text: `
A key proves who you are. Each device has a key of its own, made there and never sent; the host keeps the public ones, and several are one operator.

# A guest of one session

  hold share build --role operator --ttl 2h       prints an invitation, which works once
  hold join hold1.…                               on the guest's machine: makes a key, attaches
  hold invitation ls                              what is open, who took what up
  hold invitation revoke ID                       nobody takes it up any more; a guest who has is out

A guest has that session and nothing else here, until the time is over. Who may type into a shell does there what the shell's user can.

# People and devices

  hold operator invite ben          ben joins with \`hold join\`, within ten minutes
  hold operator invite --device     another device of your own; no admin is needed
  hold operator show ana            her keys: added when and by whom, used when and how
  hold operator revoke ana --key 3f9a2c1b     one device alone, within a second
  hold operator add-key ana ~/.ssh/id_ed25519.pub   the key that she has for ssh: by ssh she is ana too

An invitation carries the host's key: \`hold join\` speaks to that host and no other, and remembers it. The credential that it makes is the one that \`hold --host URL\` uses there from then on; \`--as NAME\` picks another.

# Logging in

Where an issuer of OpenID Connect is set up, who logs in there enrols a key by that:

  hold host up --oidc-issuer https://login.example --oidc-client-id holdfast
  hold operator add ana --oidc-subject SUB        who SUB is there is ana here
  hold --host wss://box.example:7433 login        on ana's machine

People are known by issuer and subject, never by an address. The login is needed once for each device: afterwards its key is enough, and revoking it is what ends it. \`oidc.issuer\` and \`oidc.client_id\` in config.toml set it up for good.

# What it proves

A key in a file proves no more than the user id: see \`hold help security\`.`,
  },
  relay: {
    brief: "Relays: reaching a host behind a closed door",
    text: `
A host behind a closed door dials a relay, an operator on a train dials it too, and it introduces them. What the two say it passes on and can't read: inside is TLS between the host's key and yours.

# From nothing to a shared session

  hold relay --listen 0.0.0.0:7444 --public relay.example     on a machine that both can reach
  hold host join https://relay.example:7444#… --token …       on the host: the line that the relay printed
  hold share main --role operator                             prints an invitation
  hold join hold1.…                                           anywhere: the session on the screen

# By name

  hold context set work --of https://relay.example:7444
  hold context use work
  hold hosts                        those that let you in
  hold attach box/main              HOST/SESSION, for every command that takes a session

\`--relay URL\` says it for one line; \`--host NAME\` the host. A host that you have not met yet is not spoken to: \`hold host trust relay://relay.example:7444/box\` shows its id, once. An invitation brings it with it.

# Several relays

A host may join more than one, by the same name. Name them all, the one you like best first, wherever one is named: \`--relay URL1,URL2\`, \`--of URL1,URL2\`. One that is away is passed over, in a second at most, and an attachment whose relay is gone goes on by another. What you know of the host at one of them, its key and your credential, is meant at all.

# Who gets in

The host decides: its operators' keys may knock, and who holds an open invitation. Others are told the same whether there is such a host or not. The relay lets hosts in by tokens (\`hold relay invite\`), and who runs it can put out a host or a key at once (\`hold relay revoke\`), which ends no session.

A relay keeps nothing of what passes. It sees who reaches which host from where, when, and how much; it can refuse, and it can't read, change, repeat or cut off unnoticed.

# Its address

A relay without a certificate that an authority has signed has one of its own key, and the key's hash behind # in its address: it is part of the address, and must be copied with it.`,
  },
  mirror: {
    brief: "Mirrors: a record that outlives its machine",
    text: `
The host copies its record (history, audit, what screens are made from) to a JetStream object store, encrypted with a key of its own, and goes on doing so by itself. When the machine is gone, what was recorded is read from there.

# Setting one up

  hold host mirror nats://nats.example:4222      on the host: from now on
  hold host mirror status                        how far it is, and why it is not further
  hold context set box --at wss://box.example:7433 --mirror nats://nats.example:4222
                                                 where you read: fetches the key while the host is there

# Reading

  hold log box/main                   answers from the mirror when the host does not, and says so
  hold screen box/main                the last screen
  hold ls -a --context box            what there was
  hold audit verify --context box --from-mirror

\`show\` and \`export\` likewise. \`--from-mirror\` asks no host. Nothing that comes from a mirror is live: standard error says as of when it is, and with --json each object has "from":"mirror" and "asOf".

# What it promises

What is recorded is in the mirror some seconds later (5 s, and what copying takes), while NATS can be reached; away for days it costs nothing but that. A redaction is made there before it is told as done, or it is said that it is not yet. What was changed, left out, swapped or rolled back in the mirror is an error that names it.

Who runs NATS reads nothing but sizes and times. Who has the mirror's key reads everything that the host has recorded; \`hold host mirror key\` gives it to auditors and admins, never to an AI, and the record tells of it. Two hosts with one home do not both write: the second one is refused until --take-over.`,
  },
  ai: {
    brief: "AI: an operator like others, through `hold mcp`",
    text: `
\`hold mcp\` gives an AI the sessions of this machine over the Model Context Protocol. \`hold mcp config\` prints what to put into the configuration of the common agent hosts; they start it themselves.

It acts as an operator of its own, NAME-ai on behalf of NAME, made at the first use. What it does stands in the journal under that name.

# Who steers

Your first key takes the floor from it, and its call is told that you did. It never takes the floor from you, nor types over a line that you have begun.

  hold ai pause build       no input of any AI here, until you resume it
  hold ai resume build
  hold log build --actor NAME-ai
  hold operator revoke NAME-ai

# What it gets

Results of 32 KiB at most, with exact counts of what was left out. Text of a terminal is marked as untrusted and without escapes. What you type is told to it as a number of bytes, never as text; what a program prints of it is output like any other. Secrets of the environment are stars to it (\`hold help policy\`). A wait of it ends nothing.

To let it look and nothing else:

  hold operator add eye --kind ai --role observer
  hold mcp --as eye

docs/mcp.md of the package has the tools, the states and the limits.`,
  },
  http: {
    brief: "HTTP: sessions from curl, with grants",
    text: `
A host that listens (\`hold host up --listen 127.0.0.1:7433\`) answers JSON over HTTP too. Each request carries a grant: a token that \`hold grant\` signs with your key, for you, for one host, for 15 minutes at most.

  hold grant --role observer --session build --ttl 5m

Whoever has it is you until it is over. Keep it out of arguments and of the environment: bash hands it to curl through a pipe,

  curl -H @<(printf 'Authorization: Bearer %s' "$(hold grant)") --json '{}' http://127.0.0.1:7433/v1/call/list

and a file of your own does elsewhere: \`-H @FILE\`.

# What there is

  POST /v1/call/VERB               every verb of the protocol
  GET /v1/sessions/NAME/events     what happens there, as server-sent events
  GET /v1/openapi.json             all of it, for programs

An event's \`id\` is its seq, and \`Last-Event-ID\` goes on strictly after it. Rights and the floor are what they are elsewhere; \`hold operator revoke\` ends streams within a second. docs/http.md of the package has the rest.`,
  },
  policy: {
    brief: "Policy and approvals: what an AI may do, and what a person is asked",
    text: `
\`policy.toml\` in the host's home says what operators of kind ai may do. Without it an AI may do what its role lets it. It binds no person and no service.

  hold policy edit          write it in your editor, and put it in force
  hold policy reload        put a file that was changed by hand in force; that alone does nothing
  hold policy show          what is in force
  hold policy try           what it, or a text not in force, would say to one thing that an AI does

# The file

  version = 1
  [ai]
  otherwise = "deny"        what is not named here: allow, or deny (so without it)
  observe = "allow"
  run = "ask"
  [[ai.commands]]
  starts = ["git", "status"]
  rule = "allow"
  [[session]]
  name = "scratch-*"        or group = "…"
  run = "allow"

Each deed is allowed, asked of a person, or denied: observe, run, exec, keys, signals, files.read, files.write, resize, floor, open, end. What a session's own section says goes before [ai]; at one level deny goes before ask before allow, and rules about commands before the word for the deed. A command line that is not plain words (anything a shell could read as more than one program) matches no rule that allows.

No rule lets an AI approve, load a policy, add or invite operators, redact, pause or resume AIs, stop the host, or take from a person.

# Secrets

Values of variables with names like *_TOKEN, *_SECRET, *_PASSWORD and *_API_KEY are stars in all that an AI reads of a session whose programs have them: output, screen, search, titles, whatever their form. People see them, and so does the record. \`[secrets] names = [...]\` in the file says which; an empty list is off. It keeps an AI from being told, not from finding out: what runs there has the real ones.

# Asked

What is asked waits, 60 s by default, for a person who is neither the AI nor the one it acts for.

  hold operator add ben --role approver --passphrase
  hold --as ben approvals            what waits
  hold --as ben approvals show ID    exact bytes, directory, program, for whom
  hold --as ben approvals allow ID
  hold --as ben approvals deny ID --reason TEXT
  hold approvals answer ID TEXT      a question of an AI: whoever may type there
  hold log SESSION --kind approval

It is good once, for exactly that, and void when the floor, the directory, the program's file, the session or the policy has changed. A key in a plain file approves nothing: an AI that runs as you could read it. One person alone adds a second operator to approve with.

docs/policy.md of the package has all of it.`,
  },
  security: {
    brief: "Security: what is protected, and what is not",
    text: `
The host listens on an owner-only socket in an owner-only folder, and on a network only where an admin says so (\`hold help host up\`): in plaintext on this machine's loopback alone, elsewhere with TLS, for names and pages that are listed. Both sides prove possession of a key. Every input is recorded with the operator whose key sent it.

# What that does not give

A key in a file proves no more than the user id: a program that runs as you can read what you can, your keys too. Sessions run as you, and two sessions of one user are not kept apart by the system. An AI whose actions must be told from yours needs a user or a container of its own.

Output is passed to your terminal as the program wrote it. Names, titles and commands of others are shown with every escape made visible. Questions that programs ask the terminal are answered once, by the host, and are never replayed. Reading the clipboard (OSC 52) is refused.

Recordings are as sensitive as what was on the screen: see \`hold help recording\`.`,
  },
};
