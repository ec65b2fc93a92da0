/** Commands about operators: who may come in, and who may do what. */
import { command, jsonFlag, sessionArgument } from "./command.ts";

const invitedFlags = {
  redeemWithin: { kind: "duration", brief: "how long it can be taken up" },
  at: { kind: "list", value: "URL", brief: "where the host is reached from there, if it goes by another name; may be repeated" },
  json: jsonFlag,
} as const;

export const operatorCommands = [
  command({
    path: ["share"],
    group: "operators",
    brief: "invite somebody to one session, for a while",
    description:
      "Prints an invitation, a text that works once: who has it joins with `hold join`, becomes a guest, and sees (observer) or also steers (operator) this session and nothing else here, until the time is over. Send it as you would a password. `hold invitation ls` lists what is open, `hold invitation revoke` takes it back and puts the guest out. A guest who types into a shell does there what the shell's user can.",
    args: [sessionArgument],
    flags: {
      open: { kind: "bool", brief: "open the session first where none of that name lives: your shell, in this directory" },
      byRelay: {
        kind: "bool",
        brief: "a link for any browser, to the console that a relay of this host serves (not end to end)",
      },
      role: { kind: "choice", of: ["observer", "operator"], brief: "sees it, or also steers it (default: observer)" },
      ttl: { kind: "duration", brief: "how long from now (default: 30m, at most 30d)" },
      name: { kind: "text", value: "NAME", brief: "what the guest is called here (default: as they wish)" },
      ...invitedFlags,
    },
    examples: [
      { line: "hold share build", says: "somebody may watch for half an hour" },
      { line: "hold share build --role operator --ttl 2h --name eva", says: "eva may type for two hours" },
      { line: "hold share main --open --role operator", says: "from nothing: a new shell, for two" },
      { line: "hold share build --json | jq -r .invite", says: "the text alone, for a program" },
    ],
    see: ["identity", "remote"],
    load: () => import("../commands/share.ts"),
  }),
  command({
    path: ["join"],
    group: "operators",
    brief: "take up an invitation on this machine",
    description:
      "Makes a key of its own for it, checks that who answers is the host that the invitation is of, and attaches to the session that was shared; with --json it only joins. From then on `hold --host URL …` acts there with that key. With - the invitation is read from standard input: an argument can be seen by others of the machine while it runs, though it is worth nothing once it has been taken up.",
    args: [{ name: "INVITE", brief: "the text that begins with hold1., or - to read it" }],
    flags: {
      name: { kind: "text", value: "NAME", brief: "what you are called there, if that is open, and the key here" },
      passphrase: { kind: "bool", brief: "keep the key by a passphrase: to approve what AIs ask" },
      noAttach: { kind: "bool", short: "d", brief: "only join" },
      observe: { kind: "bool", short: "o", brief: "attach without typing" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold join hold1.eyJhIjpb…", says: "joins and attaches" },
      { line: "hold join - --no-attach", says: "reads it, and only joins" },
    ],
    see: ["identity"],
    load: () => import("../commands/join.ts"),
  }),
  command({
    path: ["login"],
    group: "operators",
    brief: "log in with the host's OIDC issuer, and enrol a key of this machine",
    description:
      "Prints an address to open in a browser of this machine, and opens it where it can. Who logs in there becomes the operator whom an admin has linked to that login (`hold operator add NAME --oidc-subject SUB`), with a new key of this machine. `hold help identity` tells how a host is set up for it.",
    flags: {
      name: { kind: "text", value: "NAME", brief: "what the key is called here (default: as this machine's user)" },
      noBrowser: { kind: "bool", brief: "only print the address" },
      json: jsonFlag,
    },
    examples: [{ line: "hold --host wss://box.example:7433 login", says: "the key is then used for that host" }],
    see: ["identity"],
    load: () => import("../commands/login.ts"),
  }),
  command({
    path: ["operator", "add"],
    group: "operators",
    brief: "add an operator and make its key",
    description:
      "Makes an Ed25519 key in this machine's folder of keys and gives its operator a kind and a role. `--as NAME` then uses it. With --public-key the key was made elsewhere, with --oidc-subject it is made at the first `hold login`. Only a key that no program of its holder's user can sign with approves what AIs ask (`hold help policy`): one that a passphrase keeps, or one in a browser or on a device.",
    args: [{ name: "NAME", brief: "name of the operator" }],
    flags: {
      kind: { kind: "choice", of: ["human", "service", "ai"], brief: "what it is (default: human)" },
      role: {
        kind: "choice",
        of: ["observer", "operator", "approver", "auditor", "admin"],
        brief: "what it may do (default: operator)",
      },
      onBehalfOf: { kind: "text", value: "OPERATOR", complete: "operator", brief: "the person for whom an AI acts" },
      publicKey: {
        kind: "text",
        value: "KEY",
        complete: "file",
        brief: "its Ed25519 public key: a .pub file, its line (ssh-ed25519 …), or 32 bytes in base64 or hex",
      },
      oidcSubject: { kind: "text", value: "SUB", brief: "what the host's OIDC issuer calls this person, who then logs in" },
      passphrase: { kind: "bool", brief: "keep the key by a passphrase, asked for now and whenever it is used" },
      protected: { kind: "bool", brief: "with --public-key: its holder keeps it where no program can use it unasked" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold operator add ben --role approver --passphrase", says: "somebody who approves" },
      { line: "hold operator add ana --kind human --role operator", says: "a colleague" },
      { line: "hold operator add ana --public-key ~/.ssh/id_ed25519.pub", says: "with the key that ana has for ssh" },
      { line: "hold operator add claude --kind ai --role operator --on-behalf-of ana", says: "an AI that acts for ana" },
    ],
    see: ["operators", "security"],
    load: () => import("../commands/operator-add.ts"),
  }),
  command({
    path: ["operator", "invite"],
    group: "operators",
    brief: "invite a new operator, or another device of one",
    description:
      "Prints an invitation, a text that works once and for ten minutes: `hold join` makes a key on the other machine and enrols it. With --device it is for another key of an operator who is here already: yourself, if no name is given. Revoking an operator or a key of theirs takes open invitations of theirs back.",
    args: [{ name: "NAME", brief: "of the operator", optional: true, complete: "operator" }],
    flags: {
      device: { kind: "bool", brief: "another device of an operator; default: of yourself" },
      kind: { kind: "choice", of: ["human", "service", "ai"], brief: "what a new one is (default: human)" },
      role: {
        kind: "choice",
        of: ["observer", "operator", "approver", "auditor", "admin"],
        brief: "what a new one may do (default: operator)",
      },
      onBehalfOf: { kind: "text", value: "OPERATOR", complete: "operator", brief: "the person for whom a new AI acts" },
      ...invitedFlags,
    },
    examples: [
      { line: "hold operator invite ben", says: "a colleague, who makes the key on a machine of his own" },
      { line: "hold operator invite --device", says: "your own second device" },
    ],
    see: ["identity"],
    load: () => import("../commands/operator-invite.ts"),
  }),
  command({
    path: ["operator", "ls"],
    group: "operators",
    brief: "list operators",
    flags: { json: jsonFlag },
    examples: [{ line: "hold operator ls", says: "names, kinds, roles; revoked ones too" }],
    load: () => import("../commands/operator-ls.ts"),
  }),
  command({
    path: ["operator", "show"],
    group: "operators",
    brief: "one operator: rights, keys, when each was used last",
    args: [{ name: "OPERATOR", brief: "name or id", complete: "operator" }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold operator show ana", says: "keys too, if it is you or you may change operators" }],
    load: () => import("../commands/operator-show.ts"),
  }),
  command({
    path: ["operator", "link"],
    group: "operators",
    brief: "say which login of the OIDC issuer an operator is",
    args: [{ name: "OPERATOR", brief: "name or id", complete: "operator" }],
    flags: {
      oidcSubject: { kind: "text", value: "SUB", brief: "what the issuer calls this person; without: none any more" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold operator link ana --oidc-subject 248289761001", says: "ana may log in" },
      { line: "hold operator link ana", says: "ana may not; keys that she has stay" },
    ],
    see: ["identity"],
    load: () => import("../commands/operator-link.ts"),
  }),
  command({
    path: ["operator", "add-key"],
    group: "operators",
    brief: "another key of an operator: that of ssh, say",
    description:
      "For a key that was made elsewhere. It is the same operator by all of their keys. Your own keys you may add yourself. Where the other device has Holdfast, `hold operator invite --device` and `hold join` need no key to be carried about.",
    args: [
      { name: "OPERATOR", brief: "name or id", complete: "operator" },
      { name: "KEY", brief: "a .pub file, its line (ssh-ed25519 …), or 32 bytes in base64 or hex", complete: "file" },
    ],
    flags: {
      protected: { kind: "bool", brief: "its holder keeps it where no program can use it unasked" },
      json: jsonFlag,
    },
    examples: [{ line: "hold operator add-key ana ~/.ssh/id_ed25519.pub", says: "ana by ssh is ana" }],
    see: ["identity", "ssh"],
    load: () => import("../commands/operator-add-key.ts"),
  }),
  command({
    path: ["operator", "revoke"],
    group: "operators",
    brief: "revoke an operator, or one key of theirs: out within a second, everywhere",
    description:
      "Its sessions run on: a session has no owner. AIs that act on a person's behalf are out with the person. With --key one device alone is out, and the operator comes in with the others; what they typed that no program has read yet is dropped. Your own keys you may take away yourself.",
    args: [{ name: "OPERATOR", brief: "name or id", complete: "operator" }],
    flags: {
      key: { kind: "text", value: "KEYID", brief: "this key alone, by what its id begins with (`hold operator show`)" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold operator revoke ana", says: "its links close, its keys are refused from now on" },
      { line: "hold operator revoke ana --key 3f9a2c1b", says: "the laptop that was lost" },
    ],
    load: () => import("../commands/operator-revoke.ts"),
  }),
  command({
    path: ["grant"],
    group: "operators",
    brief: "sign a short-lived token for the HTTP API",
    description:
      "Prints an access grant and nothing else: whoever has it is you, on that host, until it is over. It is not stored anywhere. Narrow it to what it is for: one session, the rights of a lesser role. Keep it out of command lines and of the environment, which others can read.",
    flags: {
      ttl: { kind: "duration", value: "TIME", brief: "how long, at most 15m (default: 10m)" },
      session: { kind: "text", value: "SESSION", complete: "session", brief: "for this session alone" },
      role: {
        kind: "choice",
        of: ["observer", "operator", "approver", "auditor", "admin"],
        brief: "no more than the rights of this role",
      },
      json: jsonFlag,
    },
    examples: [
      { line: "hold grant --role observer --session build --ttl 5m", says: "to look at one session" },
      {
        line: `curl -H @<(printf 'Authorization: Bearer %s' "$(hold grant)") http://127.0.0.1:7433/v1/openapi.json`,
        says: "bash hands it to curl through a pipe",
      },
    ],
    see: ["http", "security"],
    load: () => import("../commands/grant.ts"),
  }),
  command({
    path: ["invitation", "ls"],
    group: "operators",
    brief: "list invitations: open, taken, over",
    flags: { json: jsonFlag },
    examples: [{ line: "hold invitation ls", says: "whom they are for, by whom, until when" }],
    see: ["identity"],
    load: () => import("../commands/invitation-ls.ts"),
  }),
  command({
    path: ["invitation", "revoke"],
    group: "operators",
    brief: "take an invitation back; a guest who came with it is out",
    args: [{ name: "ID", brief: "of `hold invitation ls`" }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold invitation revoke 7k2m9qxz", says: "nobody takes it up any more" }],
    see: ["identity"],
    load: () => import("../commands/invitation-revoke.ts"),
  }),
  command({
    path: ["whoami"],
    group: "operators",
    brief: "which operator you are here, and what you may do",
    flags: { json: jsonFlag },
    examples: [
      { line: "hold whoami", says: "the machine's user" },
      { line: "hold --as ana whoami", says: "with ana's credential" },
    ],
    load: () => import("../commands/whoami.ts"),
  }),
];
