/** Holdfast by its SDK, its command line and, for AIs, its MCP server. */
import { execFileSync } from "node:child_process";
import { InputStatus, type OperatorInfo } from "@holdfast/protocol";
import type { Attachment, HostClient } from "@holdfast/sdk";
import { connect, connectThrough } from "@holdfast/sdk/node";
import { type Agent, agent, hold } from "../../../apps/mcp/test/agent.ts";
import { Bearer, type Stream } from "../../integration/world/http.ts";
import { SshUser } from "../../integration/world/ssh.ts";
import { refusal, type World, world } from "../../integration/world/world.ts";
import { ByteStream } from "./byte-stream.ts";
import {
  type Actor,
  bot,
  type Client,
  type Coming,
  me,
  type Opening,
  type System,
  type Typed,
  type Typing,
  type Typist,
} from "./system.ts";

interface Reach {
  readonly world: World;
  readonly address: Addresses;
  /** Name of the credential, a key in the home. */
  readonly as: string;
}

type Addresses = Awaited<ReturnType<World["listenForAll"]>>;

/** One that can say where it stands, for one that comes after it. */
interface StandingClient extends Client {
  /** The last event that it was given, of the session's record. */
  readonly cursor: number;
}

type Carrier = (reach: Reach, session: string, after: number) => Promise<StandingClient>;

const sdk =
  (reach: (reach: Reach) => Promise<HostClient>): Carrier =>
  async (how, session, after) => {
    const client = await reach(how);
    how.world.atEnd(() => client.close());
    return SdkClient.open(client, session, after);
  };

/** Every carrier that clients come by. A new one is a line here. */
const carriers: Readonly<Record<string, Carrier>> = {
  unix: sdk(({ world: w, as }) => w.connect(as)),
  websocket: sdk(({ world: w, address, as }) =>
    connect({ url: address("websocket"), home: w.home, as, via: "web", timeoutMs: 60_000 }),
  ),
  stdio: sdk(({ world: w, as }) =>
    connectThrough({
      argv: [
        ...["env", `HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}`, `HOLDFAST_WORLD=${w.place}`],
        ...[hold, "attach", "--carrier", "stdio", "--as", as],
      ],
      via: "cli",
    }),
  ),
  ssh: sdk(({ world: w, address, as }) => {
    const user = SshUser.of(w, address("ssh"), as);
    return connect({ ssh: `127.0.0.1:${user.port}`, program: ["ssh", ...user.options()], via: "ssh", timeoutMs: 60_000 });
  }),
  http: async ({ world: w, address, as }, session, after) => {
    const signer = await w.connect(as);
    const bearer = await Bearer.of(w, address("http"), signer);
    w.close(signer);
    return HttpClient.open(bearer, session, after);
  },
};

export class Holdfast implements System {
  readonly name = "Holdfast";
  readonly ways = Object.keys(carriers);
  readonly version: string;
  readonly #world: World;
  readonly #address: Addresses;
  readonly #owner: OperatorInfo;
  readonly #known = new Set([me.name, bot.name]);
  #ai: Promise<Agent> | null = null;

  private constructor(w: World, address: Addresses, owner: OperatorInfo) {
    this.#world = w;
    this.#address = address;
    this.#owner = owner;
    this.version = execFileSync(hold, ["--version"], { env: w.env, encoding: "utf8" }).trim();
  }

  static async start(): Promise<Holdfast> {
    const w = await world({ starts: false });
    const address = await w.listenForAll();
    return new Holdfast(w, address, (await w.connect()).operator.operator!);
  }

  nameOf(actor: Actor): string {
    if (actor.name === bot.name) return `${this.#owner.name}-ai`;
    return actor.name === me.name ? this.#owner.id : actor.name;
  }

  async open({ argv, together }: Opening): Promise<string> {
    const spec = { command: argv, ...(together ? { floor: "open" as const } : {}) };
    return (await this.#ask((opener) => this.#world.open(opener, spec))).id;
  }

  /** By `hold mcp` as it comes: it makes the AI that acts for its person. */
  async attachAi(session: string): Promise<Typist> {
    return new AiClient(await (this.#ai ??= agent(this.#world, "v2")), session);
  }

  async attach(session: string, { as, way = this.ways[0]!, after }: Coming): Promise<Client> {
    const reach = { world: this.#world, address: this.#address, as: await this.#credential(as) };
    // Whoever comes after another came from here, too.
    return carriers[way]!(reach, session, (after as StandingClient | undefined)?.cursor ?? 0);
  }

  async history(session: string): Promise<string> {
    return this.#hold(["log", session, "--raw"]);
  }

  async killServer(): Promise<void> {
    await this.#world.killHost();
  }

  async record(session: string, of?: Actor): Promise<readonly Typed[]> {
    const lines = (...more: string[]) =>
      this.#hold(["log", session, "--json", ...more])
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const applied = new Set(
      lines("--kind", "input_settled")
        .filter((e) => e["status"] === "applied")
        .map((e) => e["inputSeq"]),
    );
    const kinds = new Map(
      (await this.#ask((client) => client.operatorList())).map((o) => [o.id, ["", "human", "service", "ai"][o.kind] ?? ""]),
    );
    return lines("--kind", "input", ...(of ? ["--actor", this.nameOf(of)] : []))
      .filter((e) => applied.has(e["seq"]))
      .map((e) => ({
        text: String(e["text"]),
        who: String(e["actor"]),
        via: String(e["via"]),
        kind: kinds.get(String(e["actor"])) ?? "",
        ...(e["onBehalfOf"] ? { onBehalfOf: String(e["onBehalfOf"]) } : {}),
      }));
  }

  async present(session: string): Promise<readonly string[]> {
    return (await this.#ask((client) => client.show(session))).operators.map((o) => o.operator);
  }

  async exitCode(session: string): Promise<number | undefined> {
    return (await this.#ask((client) => client.show(session))).exit?.code;
  }

  async pauseAi(session: string, paused: boolean, by: Actor = me): Promise<boolean> {
    const verb = paused ? "ai_pause" : "ai_resume";
    const as = by.name === me.name ? undefined : this.nameOf(by);
    return (await this.#ask((client) => refusal(client.floor(session, verb)), as)) === "not refused";
  }

  /** A call on a link of its own: the last one's host may be dead. */
  async #ask<T>(ask: (client: HostClient) => Promise<T>, as?: string): Promise<T> {
    const client = await this.#world.connect(as);
    try {
      return await ask(client);
    } finally {
      this.#world.close(client);
    }
  }

  #hold(args: readonly string[]): string {
    return execFileSync(hold, args, { env: this.#world.env, cwd: this.#world.files, encoding: "utf8", maxBuffer: 2 ** 28 });
  }

  async #credential(actor: Actor): Promise<string> {
    if (actor.name === me.name) return this.#owner.name;
    if (!this.#known.has(actor.name)) {
      this.#known.add(actor.name);
      this.#world.close(await this.#world.operator(actor.name, actor.kind));
    }
    return actor.name;
  }
}

class SdkClient implements StandingClient {
  readonly fromStart: boolean;
  readonly #client: HostClient;
  readonly #seen = new ByteStream();
  #attachment!: Attachment;
  cursor: number;

  private constructor(client: HostClient, after: number) {
    this.#client = client;
    this.cursor = after;
    this.fromStart = after === 0;
  }

  static async open(client: HostClient, session: string, after: number): Promise<SdkClient> {
    const made = new SdkClient(client, after);
    made.#attachment = await client.attach(
      { session, mode: "replay", after },
      {
        output: ({ seq, bytes }) => {
          made.cursor = seq;
          made.#seen.push(bytes);
        },
        event: ({ seq }) => {
          made.cursor = Number(seq);
        },
      },
    );
    return made;
  }

  seen(): Buffer {
    return this.#seen.bytes;
  }

  async type(text: string): Promise<Typing> {
    const { status, code, message } = await this.#attachment.input(Buffer.from(text));
    if (status === InputStatus.APPLIED) return { taken: true };
    const { holder } = this.#attachment.floor;
    return { taken: false, why: message ?? code ?? `status ${status}`, ...(holder ? { who: holder } : {}) };
  }

  /** Nothing is said of leaving: the link is gone. */
  async vanish(): Promise<void> {
    this.#client.close();
  }
}

/** An event stream to read, and requests beside it to type. */
class HttpClient implements StandingClient {
  readonly fromStart: boolean;
  readonly #bearer: Bearer;
  readonly #session: string;
  readonly #stream: Stream;
  readonly #token: string;
  readonly #seen = new ByteStream();
  #cursor: number;
  #read = 0;
  #typed = 0;

  private constructor(bearer: Bearer, session: string, stream: Stream, token: string, after: number) {
    this.#bearer = bearer;
    this.#session = session;
    this.#stream = stream;
    this.#token = token;
    this.#cursor = after;
    this.fromStart = after === 0;
  }

  static async open(bearer: Bearer, session: string, after: number): Promise<HttpClient> {
    const stream = await bearer.stream(session, `?replay&from=${after}`);
    return new HttpClient(bearer, session, stream, await stream.token(), after);
  }

  seen(): Buffer {
    const { events } = this.#stream;
    for (; this.#read < events.length; this.#read++) {
      const { name, id, data } = events[this.#read]!;
      if (id !== undefined) this.#cursor = Number(id);
      if (name === "output") this.#seen.push(Buffer.from(data.data, "base64"));
    }
    return this.#seen.bytes;
  }

  get cursor(): number {
    this.seen();
    return this.#cursor;
  }

  async type(text: string): Promise<Typing> {
    const response = await fetch(`${this.#bearer.url}/v1/sessions/${this.#session}/input?n=${++this.#typed}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.#bearer.grant}`,
        "Holdfast-Attach": this.#token,
        "Content-Type": "application/octet-stream",
      },
      body: text,
    });
    const told = (await response.json()) as { error?: { text: string; ids?: { holder?: string } } };
    if (response.ok) return { taken: true };
    const who = told.error?.ids?.holder;
    return { taken: false, why: told.error?.text ?? `status ${response.status}`, ...(who ? { who } : {}) };
  }

  async vanish(): Promise<void> {
    this.#stream.close();
  }
}

class AiClient implements Typist {
  readonly #agent: Agent;
  readonly #session: string;

  constructor(ai: Agent, session: string) {
    this.#agent = ai;
    this.#session = session;
  }

  async type(text: string): Promise<Typing> {
    const { isError, told } = await this.#agent.call("send_text", { session: this.#session, text });
    if (!isError) return { taken: true };
    return { taken: false, why: String(told["code"]), ...(told["who"] ? { who: String(told["who"]) } : {}) };
  }

  async vanish(): Promise<void> {
    await this.#agent.close();
  }
}
