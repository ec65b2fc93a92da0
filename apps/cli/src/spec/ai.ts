/** The AI's way in. */
import { command } from "./command.ts";

export const aiCommands = [
  command({
    path: ["mcp"],
    local: true,
    group: "operators",
    brief: "serve this machine's sessions to an AI, over MCP on standard input and output",
    description:
      "An agent host (Claude Code, VS Code, …) starts this and speaks the Model Context Protocol with it, in either of its eras. It acts as an operator of kind ai that is made at the first use: NAME-ai, on behalf of NAME, the person whose credential this home has, with the role operator; `--as` names another. People see it as that operator, take the floor from it with a key, and pause it. `hold mcp config` prints what to put into an agent host's configuration.",
    args: [{ name: "config", brief: "print the configuration for agent hosts and end", optional: true, complete: ["config"] }],
    flags: {
      for: {
        kind: "choice",
        of: ["claude-code", "claude-desktop", "codex", "cursor", "gemini", "vscode"],
        brief: "with config: of this agent host alone",
      },
      listen: { kind: "text", value: "ADDRESS:PORT", brief: "serve over HTTP at /mcp there; each request carries a grant" },
      allowHost: { kind: "list", value: "NAME", brief: "with --listen: a name that clients may ask for; may be repeated" },
      allowOrigin: { kind: "list", value: "URL", brief: "with --listen: an origin whose pages may ask; may be repeated" },
    },
    examples: [
      { line: "hold mcp config", says: "what to paste, for each agent host" },
      { line: "hold mcp config --for codex", says: "for one" },
      { line: "hold mcp", says: "what the agent host then starts" },
      { line: "hold mcp --as reviewer", says: "as another AI operator" },
      { line: "hold mcp --listen 127.0.0.1:7434", says: "for agents that speak MCP over HTTP" },
    ],
    see: ["ai", "operators", "floor", "security"],
    load: () => import("../commands/mcp.ts"),
  }),
];
