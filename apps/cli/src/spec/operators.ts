/** Commands about operators: who may do what. */
import { command, jsonFlag } from "./command.ts";

export const operatorCommands = [
  command({
    path: ["operator", "add"],
    group: "operators",
    brief: "add an operator and make its key",
    description:
      "Makes an Ed25519 key in this machine's folder of keys and gives its operator a kind and a role. `--as NAME` then uses it. With --public-key the key was made elsewhere.",
    args: [{ name: "NAME", brief: "name of the operator" }],
    flags: {
      kind: { kind: "choice", of: ["human", "service", "ai"], brief: "what it is (default: human)" },
      role: {
        kind: "choice",
        of: ["observer", "operator", "approver", "auditor", "admin"],
        brief: "what it may do (default: operator)",
      },
      onBehalfOf: { kind: "text", value: "OPERATOR", complete: "operator", brief: "the person for whom an AI acts" },
      publicKey: { kind: "text", value: "BASE64", brief: "its raw public key, 32 bytes, in base64 or hex" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold operator add ana --kind human --role operator", says: "a colleague" },
      { line: "hold operator add claude --kind ai --role operator --on-behalf-of ana", says: "an AI that acts for ana" },
    ],
    see: ["operators", "security"],
    load: () => import("../commands/operator-add.ts"),
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
    path: ["operator", "revoke"],
    group: "operators",
    brief: "revoke an operator: out within a second, everywhere",
    description: "Its sessions run on: a session has no owner.",
    args: [{ name: "OPERATOR", brief: "name or id", complete: "operator" }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold operator revoke ana", says: "its links close, its key is refused from now on" }],
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
