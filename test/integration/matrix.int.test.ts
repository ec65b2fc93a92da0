/**
 * Who may ask what, over every carrier (reliability T-57): each verb of the schema and each frame of an attachment, each role, each way in. The tables are
 * written out by hand, that of the verbs beside the host's own test of it; a verb or a frame that they lack does not compile. A call is asked of nothing that
 * is there, so that only the right to it is decided.
 */
import { generateKeyPairSync } from "node:crypto";
import { fileURLToPath } from "node:url";
import { connectProgram, connectUnix, files } from "@holdfast/carrier";
import { connectHttp } from "@holdfast/carrier/http/node";
import { linkUrl } from "@holdfast/carrier/websocket";
import { connectWebSocket } from "@holdfast/carrier/websocket/node";
import { CallSchema, type ClientBody, create, FloorVerb, type HostFrame, type Session } from "@holdfast/protocol";
import { Connection, type Dial } from "@holdfast/sdk/client";
import { expect, test } from "vitest";
import { columns, table, type Verb } from "../../packages/host/src/call/test/who-may.ts";
import { Bearer } from "./world/http.ts";
import { forwardingWorld } from "./world/ports.ts";
import { signedBy } from "./world/signed.ts";
import { SshUser } from "./world/ssh.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));
const NOWHERE = { session: "no-such-session", operator: "no-such-operator", invitation: "none", id: "none", key: "0".repeat(64) };
/** What no grant gives: it can't be handed on, and is good for ever. */
const WITHOUT_GRANT = { mirrorKey: "no" } as const satisfies Partial<Record<Verb, "no">>;
/** Would be done, if it may be. */
const UNASKED: ReadonlySet<Verb> = new Set(["hostDown"]);

/** What is said on a channel, once a link is open. */
type FrameKind = Exclude<NonNullable<ClientBody["case"]>, "hello" | "proof" | "resume" | "redeem" | "bear" | "call" | "cancel">;
/** Null: it is about one's own attachment or connection, asks for no right, and has no answer. */
const frames: Record<FrameKind | "pause", string | null> = {
  //         obs op  app aud adm
  attach: "yes yes yes no yes",
  ping: "yes yes yes no yes",
  input: "no yes no no yes",
  resize: "no yes no no yes",
  floor: "no yes no no yes",
  pause: "no yes yes no yes",
  detach: "yes yes yes no yes",
  connect: "no yes no no yes",
  tcp: null,
  credit: null,
  continuityAck: null,
};

/** Asks for each verb; tells which of them were refused for want of the right, and which were not. */
type Ask = (verb: Verb) => Promise<"yes" | "no">;

async function links(w: World): Promise<Record<string, (role: string) => Promise<Dial>>> {
  const address = await w.listenForAll();
  const env = ["env", `HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}`];
  return {
    unix: async () => (accept) => connectUnix(files.socket(w.home), accept),
    websocket: async () => (accept) => connectWebSocket(linkUrl(address("websocket")), accept),
    http: async () => (accept) => connectHttp(address("http"), accept),
    stdio: async () => (accept) => connectProgram([...env, hold, "attach", "--carrier", "stdio"], accept),
    ssh: async (role) => {
      const user = SshUser.of(w, address("ssh"), role);
      return (accept) =>
        connectProgram(["ssh", ...user.options(["-p", String(user.port), "-T", "-s"]), "127.0.0.1", "holdfast"], accept);
    },
  };
}

/** Of what is nowhere, what this verb takes. The floor is of a session that is there: its right hangs on what is asked of it. */
function valueOf(verb: Verb, session: string): { readonly [field: string]: string | number } {
  const { verb: asked } = create(CallSchema, { id: 1n, verb: { case: verb, value: {} } as never });
  const known = Object.keys((asked as { value: object }).value);
  const fields = Object.fromEntries(Object.entries(NOWHERE).filter(([name]) => known.includes(name)));
  return verb === "floor" ? { session, verb: FloorVerb.TAKE } : fields;
}

function overLink(connection: Connection, session: string): Ask {
  return (verb) =>
    new Promise((told) => {
      const enough = new AbortController();
      const yes = (): void => {
        told("yes");
        enough.abort();
      };
      const { verb: asked } = create(CallSchema, { id: 1n, verb: { case: verb, value: valueOf(verb, session) } as never });
      connection
        .call(asked as never, { more: yes, signal: enough.signal })
        .then(yes, (fault: { code?: string }) => told(fault.code === "not_permitted" ? "no" : "yes"));
    });
}

function overJson(bearer: Bearer, session: string): Ask {
  return async (verb) => {
    const enough = new AbortController();
    const response = await fetch(`${bearer.url}/v1/call/${verb}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${bearer.grant}`, "Content-Type": "application/json" },
      body: JSON.stringify(valueOf(verb, session)),
      signal: enough.signal,
    });
    if (response.ok) {
      enough.abort();
      return "yes";
    }
    const { code } = (await response.json()) as { code: string };
    return code === "not_permitted" ? "no" : "yes";
  };
}

/** Each frame of an attachment in turn, on a channel of its own; an answer that does not come before that of a later call is none. */
async function frameSaid(
  connection: Connection,
  session: string,
  wanted: Record<string, string>,
): Promise<Record<string, string>> {
  const heard: HostFrame["body"][] = [];
  const channel = connection.openChannel((body) => void heard.push(body));
  const show = async () => (await connection.call({ case: "show", value: { session } } as never)).value as Session;
  const after = async (body: ClientBody, answer: HostFrame["body"]["case"]): Promise<"yes" | "no"> => {
    heard.length = 0;
    connection.send(channel, body);
    await connection.call({ case: "whoami", value: {} } as never);
    // What is typed is answered when the program has it, what is not permitted at once.
    if (wanted["input"] === "yes" && answer === "inputResult")
      await fact("it is answered", () => heard.some((b) => b.case === answer));
    const said = heard.find((b) => b.case === answer)?.value as { error?: { code: string } } | undefined;
    return said === undefined || said.error?.code === "not_permitted" ? "no" : "yes";
  };
  const resize = async (): Promise<"yes" | "no"> => {
    const { cols } = (await show()).size!;
    const size = { cols: cols + 1, rows: 24 };
    connection.send(channel, { case: "resize", value: { size, pin: true } });
    if (wanted["resize"] === "yes") await fact("it has that size", async () => (await show()).size!.cols === size.cols);
    return (await show()).size!.cols === cols ? "no" : "yes";
  };
  const told = {
    attach: await after({ case: "attach", value: { session, noOutput: true } }, "attached"),
    ping: await after({ case: "ping", value: { token: 1n } }, "pong"),
    input: await after({ case: "input", value: { n: 1n, data: new Uint8Array([120]) } }, "inputResult"),
    resize: await resize(),
    floor: await after({ case: "floor", value: { verb: FloorVerb.TAKE, id: 1n } }, "floorAnswer"),
    pause: await after({ case: "floor", value: { verb: FloorVerb.AI_PAUSE, id: 2n } }, "floorAnswer"),
    detach: await after({ case: "detach", value: {} }, "detached"),
  };
  connection.closeChannel(channel);
  return { ...told, connect: await connectSaid(connection, session) };
}

/** To a port that nobody listens on: only the right to it is decided. */
function connectSaid(connection: Connection, session: string): Promise<"yes" | "no"> {
  return new Promise((told) => {
    const channel = connection.openChannel((body) => {
      if (body.case === "detached") told(body.value.reason === "not_permitted" ? "no" : "yes");
    });
    connection.send(channel, { case: "connect", value: { session, port: 1 } });
  });
}

async function said(ask: Ask, role: (typeof columns)[number]): Promise<Record<string, string>> {
  const column = columns.indexOf(role);
  const told: Record<string, string> = {};
  for (const verb of Object.keys(table) as Verb[]) {
    const expected = table[verb].split(" ")[column]!;
    told[verb] = UNASKED.has(verb) && expected === "yes" ? expected : await ask(verb);
  }
  return told;
}

test("each verb and each frame is answered or refused by role as the tables say, whatever carries it", async () => {
  const w = await forwardingWorld();
  const ways = await links(w);
  const admin = await w.connect();
  const url = (await admin.status()).addresses["websocket"]!;
  const session = await w.open(admin, { command: ["cat"] });
  for (const [column, role] of columns.entries()) {
    const client = await w.operator(role, "human", role);
    const expected = Object.fromEntries((Object.keys(table) as Verb[]).map((verb) => [verb, table[verb].split(" ")[column]!]));
    const wanted = Object.fromEntries(
      Object.entries(frames).flatMap(([kind, row]) => (row ? [[kind, row.split(" ")[column]!]] : [])),
    );
    for (const [carrier, way] of Object.entries(ways)) {
      const connection = await Connection.open({
        dial: await way(role),
        ...signedBy(w.keyOf(role)),
        via: "sdk",
        client: "matrix",
      });
      expect(await said(overLink(connection, session.id), role), `${role} over ${carrier}`).toEqual(expected);
      expect(await frameSaid(connection, session.id, wanted), `frames of ${role} over ${carrier}`).toEqual(wanted);
      connection.close();
    }
    const byGrant = await Connection.open({
      ...{ dial: (accept) => connectUnix(files.socket(w.home), accept), ...signedBy(w.keyOf(role)) },
      ...{ credential: null, grant: await client.grant(), via: "sdk", client: "matrix" },
    });
    const byGrants = { ...expected, ...WITHOUT_GRANT };
    expect(await said(overLink(byGrant, session.id), role), `${role} by a grant`).toEqual(byGrants);
    expect(await frameSaid(byGrant, session.id, wanted), `frames of ${role} by a grant`).toEqual(wanted);
    byGrant.close();
    expect(await said(overJson(await Bearer.of(w, url, client), session.id), role), `${role} over JSON`).toEqual(byGrants);
  }
}, 300_000);

test("a way in that shows no credential, or one that nobody has, leads to no verb", async () => {
  const w = await world();
  const ways = await links(w);
  const { privateKey } = generateKeyPairSync("ed25519");
  await w.operator("observer", "human", "observer");
  for (const [carrier, way] of Object.entries(ways)) {
    const opened = Connection.open({ dial: await way("observer"), ...signedBy(privateKey), via: "sdk", client: "stranger" });
    await expect(opened, carrier).rejects.toMatchObject({ code: "unknown_credential" });
  }
  const url = (await (await w.connect()).status()).addresses["http"]!;
  for (const verb of Object.keys(table)) {
    const response = await fetch(`${url}/v1/call/${verb}`, {
      method: "POST",
      body: "{}",
      headers: { "Content-Type": "application/json" },
    });
    expect([verb, response.status]).toEqual([verb, 401]);
    expect((await response.text()).length, verb).toBeLessThanOrEqual(200);
  }
});
