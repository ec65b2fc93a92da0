/**
 * `hold mcp`: the AI's way in, over standard input and output.
 *   M1  It acts as an operator of kind ai, never as the person who starts it. That one is made once, on the person's behalf.
 *   M2  Standard output is the protocol's alone; what is told to people goes to standard error.
 */
import { HoldError, OperatorKind } from "@holdfast/sdk";
import { type Context, type HostClient, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

const agentHosts = ["claude-code", "claude-desktop", "codex", "cursor", "gemini", "vscode"] as const;
type AgentHost = (typeof agentHosts)[number];

/** How often, and how many times, a key is tried that another `hold mcp` has just made and is about to have added. */
const NEW_KEY_MS = 100;
const NEW_KEY_TRIES = 30;

export async function run(
  context: Context,
  flags: {
    readonly for: AgentHost | undefined;
    readonly listen: string | undefined;
    readonly allowHost: readonly string[] | undefined;
    readonly allowOrigin: readonly string[] | undefined;
  },
  args: readonly string[],
): Promise<number | undefined> {
  if (args[0] === "config") {
    line(context.out, configuration(context, flags.for));
    return;
  }
  if (args.length > 0)
    throw usage(`\`hold mcp\` serves, \`hold mcp config\` prints a configuration; there is no \`hold mcp ${args[0]}\``);
  if (flags.for !== undefined) throw usage("--for goes with `hold mcp config`");
  if (flags.listen !== undefined) {
    if (context.as !== undefined) throw usage("over HTTP each request's grant says who acts; leave --as away");
    const { serveHttp } = await import("./mcp-listen.ts");
    await serveHttp(context, { ...flags, listen: flags.listen });
    return;
  }
  if (flags.allowHost?.[0] ?? flags.allowOrigin?.[0]) throw usage("these are for --listen ADDRESS:PORT");
  if (context.input.isTty)
    line(
      context.err,
      `hold mcp speaks MCP on standard input and output: an agent host starts it, with one of these. Ctrl-C ends this.\n\n${configuration(context, undefined)}`,
    );
  const name = await aiOperator(context);
  const { serve, stdio } = await import("@holdfast/mcp");
  // Started before the first call, so that what is wrong with the credential is told at once.
  let first: Promise<HostClient> | null = acting(context, name);
  await first;
  await serve(
    {
      version: context.version,
      connect: () => {
        const client = first ?? acting(context, name);
        first = null;
        return client;
      },
      fault: (error) => line(context.err, `hold mcp: ${error.message}`),
    },
    stdio(process.stdin, process.stdout, context.cancelled),
  );
  return;
}

/** M1: a link as `name`, which must be an AI. A key that has just been made may not be known yet. */
async function acting(context: Context, name: string): Promise<HostClient> {
  for (let left = NEW_KEY_TRIES; ; left--) {
    try {
      const client = await context.connectAs(name, "mcp");
      if (client.operator.operator?.kind === OperatorKind.AI) return client;
      client.close();
      throw new HoldError(
        "not_permitted",
        `${name} is no AI: what an AI does must carry a name of its own. Leave --as away, or add one with: hold operator add NAME --kind ai --on-behalf-of ${name}`,
      );
    } catch (fault) {
      if ((fault as { code?: string }).code !== "unknown_credential") throw fault;
      if (left === 0)
        throw new HoldError(
          "unknown_credential",
          `the host does not know the key of ${name}, which was perhaps left behind when its operator could not be added: remove ${name}.key from the folder keys in ${await context.home()}, and start again`,
          { operator: name },
          { cause: fault },
        );
      await new Promise((resolve) => setTimeout(resolve, NEW_KEY_MS));
    }
  }
}

/** The name of the operator to act as; made when this home has no key for it. */
async function aiOperator(context: Context): Promise<string> {
  const keys = await context.keys();
  const known = await keys.names();
  if (context.as !== undefined && known.includes(context.as)) return context.as;
  const person = await context.connectAs(undefined, "cli");
  try {
    const { operator } = person.operator;
    const name = context.as ?? `${(operator?.name ?? "user").slice(0, 29)}-ai`;
    if (known.includes(name)) return name;
    let made: Awaited<ReturnType<typeof keys.generate>>;
    try {
      made = await keys.generate(name);
    } catch (fault) {
      // Another `hold mcp` was a moment earlier.
      if (["name_taken", "EEXIST"].includes(String((fault as { code?: unknown }).code))) return name;
      throw fault;
    }
    try {
      await person.operatorAdd({
        name,
        kind: OperatorKind.AI,
        role: "operator",
        publicKey: made.publicKey,
        ...(operator?.kind === OperatorKind.HUMAN ? { onBehalfOf: operator.id } : {}),
      });
    } catch (refusal) {
      if ((refusal as { code?: string }).code !== "unreachable") await keys.discard(made.path);
      throw refusal;
    }
    line(
      context.err,
      `hold mcp: made the operator ${name}, an AI that acts for ${operator?.name}; \`hold operator ls\` lists it`,
    );
    return name;
  } finally {
    person.close();
  }
}

/** What an agent host is given, for one of them or for each. */
function configuration(context: Context, only: AgentHost | undefined): string {
  const command = context.program;
  const args = ["mcp", ...(context.as === undefined ? [] : ["--as", context.as])];
  const home = context.env["HOLDFAST_HOME"];
  const entry = { command, args, ...(home ? { env: { HOLDFAST_HOME: home } } : {}) };
  const servers = (key: string, more: object = {}) => JSON.stringify({ [key]: { holdfast: { ...more, ...entry } } }, null, 2);
  const toml = (value: unknown) => JSON.stringify(value);
  const shell = (word: string) => (/^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  const told: Readonly<Record<AgentHost, readonly [where: string, text: string]>> = {
    "claude-code": [
      "Claude Code: run",
      ["claude", "mcp", "add", ...(home ? ["--env", `HOLDFAST_HOME=${home}`] : []), "holdfast", "--", command, ...args]
        .map(shell)
        .join(" "),
    ],
    "claude-desktop": ["Claude Desktop: claude_desktop_config.json", servers("mcpServers")],
    codex: [
      "Codex CLI: ~/.codex/config.toml",
      [
        "[mcp_servers.holdfast]",
        `command = ${toml(command)}`,
        `args = ${toml(args)}`,
        ...(home ? [`env = { HOLDFAST_HOME = ${toml(home)} }`] : []),
      ].join("\n"),
    ],
    cursor: ["Cursor: ~/.cursor/mcp.json", servers("mcpServers")],
    gemini: ["Gemini CLI: ~/.gemini/settings.json", servers("mcpServers")],
    vscode: ["VS Code: .vscode/mcp.json", servers("servers", { type: "stdio" })],
  };
  return only ? told[only][1] : agentHosts.map((host) => `# ${told[host][0]}\n${told[host][1]}`).join("\n\n");
}
