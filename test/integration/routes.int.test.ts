/**
 * Nothing answers a stranger (reliability T-16): each RPC of the schema, each route of every HTTP server, each frame that could be a link's first, and each
 * thing that ssh can be asked for, without a credential. What there is comes from the schema and from the tables that the servers themselves look in, so
 * that a new one without a word here fails this; what is open to everybody stands here by name.
 */
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { fromBinary, HoldError, PieceSchema, RelayWordSchema } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { mcpRoutes } from "../../apps/cli/src/commands/mcp-listen.ts";
import { verbs } from "../../packages/host/src/call/verbs.ts";
import { frameFrom, messageOf, registry } from "../../packages/host/src/http/transcode.ts";
import { hostRoutes } from "../../packages/host/src/listen/host-routes.ts";
import { subsystems } from "../../packages/host/src/ssh/channel.ts";
import { webRoutes } from "../../packages/relay/src/web.ts";
import { RawLink } from "./world/raw-link.ts";
import { RelayProcess } from "./world/relay.ts";
import { SshUser } from "./world/ssh.ts";
import { freePort } from "./world/port.ts";
import { type World, world } from "./world/world.ts";

/** T-16: of whatever a stranger is told. */
const WORDS_BYTES = 200;

// --- gRPC ---

/** What is said to each RPC first: nothing, and what it is for, without the proof. `local`: it is served on the relay's own socket alone. */
const rpcs: Readonly<Record<string, "local" | readonly object[]>> = {
  "RelayService/Serve": [{}, { register: { name: "box" } }, { doors: {} }, { beat: {} }],
  "RelayService/Accept": [{}, { take: { offer: "AAAAAAAAAAAAAAAAAAAAAA==" } }, { data: "AAAA" }],
  "RelayService/Reach": [{}, { knock: { host: "box" } }, { find: {} }, { data: "AAAA" }],
  "RelayService/Find": [{}, { pass: "x.y.z" }],
  "RelayService/Heads": [{}, { pass: "x.y.z", host: "box" }],
  "RelayAdminService/Hosts": "local",
  "RelayAdminService/Operators": "local",
  "RelayAdminService/Invite": "local",
  "RelayAdminService/Revoke": "local",
  "RelayAdminService/Heads": "local",
  "RelayAdminService/Limits": "local",
};

const methods = [...registry].flatMap((type) => (type.kind === "service" ? type.methods : []));
const nameOf = (method: (typeof methods)[number]): string => `${method.parent.name}/${method.name}`;

/** gRPC's own numbers. */
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

interface Heard {
  /** Of gRPC. */
  readonly code: number;
  readonly messages: readonly Buffer[];
  readonly words: number;
}

function asks(session: ClientHttp2Session, method: (typeof methods)[number], said: Buffer): Promise<Heard> {
  const stream = session.request(
    {
      ...{ ":method": "POST", ":path": `/${method.parent.typeName}/${method.name}` },
      ...{ "content-type": "application/grpc", te: "trailers" },
    },
    { endStream: false },
  );
  let [code, details, heard] = [-1, "", Buffer.alloc(0)];
  const told = (headers: IncomingHttpHeaders): void => {
    if (headers["grpc-status"] === undefined) return;
    code = Number(headers["grpc-status"]);
    details = decodeURI(String(headers["grpc-message"] ?? ""));
  };
  stream.on("response", told);
  stream.on("trailers", told);
  stream.on("data", (bytes: Buffer) => (heard = Buffer.concat([heard, bytes])));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(said.length, 1);
  stream.write(Buffer.concat([head, said]));
  if (method.methodKind === "unary") stream.end();
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("end", () => {
      const messages: Buffer[] = [];
      for (let at = 0; at < heard.length; ) {
        const end = at + 5 + heard.readUInt32BE(at + 1);
        messages.push(heard.subarray(at + 5, end));
        at = end;
      }
      stream.close();
      resolve({ code, messages, words: details.length + heard.length });
    });
  });
}

const messageFrom = async (name: string, json: object): Promise<Buffer> => {
  const { fromJson, toBinary } = await import("@bufbuild/protobuf");
  return Buffer.from(toBinary(messageOf(name), fromJson(messageOf(name), json as never)));
};

async function refusesCalls(w: World, relay: RelayProcess): Promise<void> {
  const session = connectHttp2(relay.url);
  session.on("error", () => {});
  expect(methods.map(nameOf).toSorted()).toEqual(Object.keys(rpcs).toSorted());
  for (const method of methods) {
    const first = rpcs[nameOf(method)]!;
    const said = first === "local" ? [{}] : first;
    for (const json of said) {
      const { code, messages, words } = await asks(session, method, await messageFrom(method.input.name, json));
      const where = `${nameOf(method)} ${JSON.stringify(json)}`;
      expect(words, where).toBeLessThanOrEqual(WORDS_BYTES);
      if (first === "local") expect(code, where).toBe(UNIMPLEMENTED);
      else if (method.methodKind === "unary") expect([where, code]).toEqual([where, UNAUTHENTICATED]);
      else {
        const schema = method.output.name === "RelayWord" ? RelayWordSchema : PieceSchema;
        expect(
          messages.map((m) => fromBinary(schema as typeof PieceSchema, m).body.case),
          where,
        ).toEqual(["refused"]);
      }
    }
  }
  session.destroy();
  const script = `require("net").connect(${JSON.stringify(w.path("relay/relay.sock"))}).on("error",(e)=>console.log(e.code)).on("connect",()=>console.log("in"))`;
  const other = spawnSync(process.execPath, ["-e", script], { uid: 65534, gid: 65534, cwd: "/", env: {}, encoding: "utf8" });
  expect(other.stdout.trim()).toBe("EACCES");
}

// --- HTTP ---

/** Open to whoever passes the gate, each for its reason. */
const open: Readonly<Record<string, string>> = {
  "relay GET /healthz": "says that the process lives, and nothing else",
  "relay GET /readyz": "says whether calls are taken, and nothing else",
  "host POST /v1/http-link": "opens a link, whose first frames are the handshake",
};

interface Asked {
  readonly status: number;
  readonly body: string;
}

/** What begins an answer that need not end. */
function ask(url: string, method: string): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false }, (response) => {
      let body = "";
      response.on("data", (bytes: Buffer) => (body += bytes.toString()));
      const over = (): void => {
        resolve({ status: response.statusCode!, body });
        asked.destroy();
      };
      response.on("end", over);
      if (response.headers["content-type"]?.startsWith("text/event-stream")) response.once("data", over);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The status of an upgrade; 101: it was made, and here are all messages until its end. */
function upgrades(
  url: string,
  protocol: string,
  said: Uint8Array,
): Promise<{ readonly status: number; readonly heard: Buffer[] }> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const socket = new WebSocket(url, protocol);
    socket.on("open", () => socket.send(said));
    socket.on("message", (bytes: Buffer) => heard.push(bytes));
    socket.on("unexpected-response", (_, response) => {
      resolve({ status: response.statusCode!, heard });
      socket.terminate();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve({ status: 101, heard }));
  });
}

/** Paths with each segment that is left open filled in: with each verb where that is a verb, else with something. */
const filled = (path: string): string[] =>
  path.includes("{verb}") ? Object.keys(verbs).map((verb) => path.replace("{verb}", verb)) : [path.replaceAll(/\{\w+\}/g, "x")];

async function refusesRequests(url: string): Promise<void> {
  const tables = { host: await hostRoutes({} as never, (() => ({})) as never), mcp: mcpRoutes(async () => {}) };
  const seen: string[] = [];
  for (const [path, route] of Object.entries(tables.host))
    for (const method of ["GET", "POST"] as const)
      for (const at of filled(path)) {
        const name = `host ${method} ${at}`;
        const { status: said, body } = await ask(`${url}${at}`, method);
        if (open[name]) seen.push(name);
        else if (route.credential === "bearer") expect([name, said]).toEqual([name, 401]);
        else expect([name, said >= 400]).toEqual([name, true]);
        expect(body.length, name).toBeLessThanOrEqual(WORDS_BYTES);
      }
  expect(Object.keys(tables.host).filter((path) => filled(path).length > 1)).toEqual(["/v1/call/{verb}"]);
  expect(seen).toEqual(Object.keys(open).filter((name) => name.startsWith("host ")));
  // Files of a page are for everybody, and are served where somebody has asked for a page: console.int.
  expect(Object.values(tables.host).filter(({ credential }) => credential === "none")).toEqual([]);
  // Of what a grant opens there is nothing that is not behind one, whatever serves it.
  for (const [path, route] of Object.entries(tables.mcp)) expect([path, route.credential]).toEqual([path, "bearer"]);
}

async function refusesVisits(port: number): Promise<void> {
  const seen: string[] = [];
  for (const [path, { credential }] of Object.entries(webRoutes)) {
    const name = `relay GET ${path}`;
    const { status: said, body } = await ask(`http://127.0.0.1:${port}${path}`, "GET");
    if (credential === "none") {
      seen.push(name);
      expect([name, said, body.length < WORDS_BYTES]).toEqual([name, 200, true]);
    } else if (credential === "first message") {
      expect([name, said]).toEqual([name, 426]);
      for (const json of rpcs["RelayService/Reach"] as readonly object[]) {
        const knocks = await messageFrom("Piece", json);
        const { status: upgraded, heard } = await upgrades(`ws://127.0.0.1:${port}${path}`, "holdfast.relay.v1", knocks);
        expect([upgraded, heard.map((m) => fromBinary(PieceSchema, m).body.case)]).toEqual([101, ["refused"]]);
        expect(heard[0]!.length).toBeLessThanOrEqual(WORDS_BYTES);
      }
    } else expect(path).toBe("/metrics");
    for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
      expect([name, (await ask(`http://127.0.0.1:${port}${path}`, method)).status]).toEqual([name, 405]);
  }
  expect(seen).toEqual(Object.keys(open).filter((name) => name.startsWith("relay ")));
}

// --- links and ssh ---

/** Each frame of the schema as a link's first: the one that begins the handshake says nothing here, and is refused for that. */
async function refusesFrames(w: World): Promise<void> {
  const kinds = messageOf("ClientFrame").oneofs[0]!.fields.map((field) => field.jsonName);
  expect(kinds.length).toBeGreaterThan(10);
  for (const kind of kinds) {
    const link = await RawLink.open(w.home);
    link.raw(RawLink.frame(0, frameFrom({ [kind]: {} })));
    const told = await link.refused().then(
      ({ error }) => error?.code,
      (fault: unknown) => (fault instanceof HoldError ? fault.code : String(fault)),
    );
    expect([kind, told]).toEqual([kind, expect.stringMatching(/^(bad_request|version_mismatch)$/)]);
    await link.over;
  }
}

/** Without a key that is known, whatever is asked for. */
async function refusesSsh(w: World, url: string): Promise<void> {
  const session = await w.open(await w.connect(), { name: "work" });
  const stranger = SshUser.stranger(w, url, "nobody");
  const wants: Record<string, { readonly options: readonly string[]; readonly command: readonly string[] }> = {
    shell: { options: ["-tt"], command: [] },
    exec: { options: [], command: ["id"] },
    forward: { options: ["-W", "127.0.0.1:1"], command: [] },
    ...Object.fromEntries([...subsystems, "sftp"].map((name) => [name, { options: ["-s"], command: [name] }])),
  };
  await Promise.all(
    Object.entries(wants).map(async ([name, { options, command }]) => {
      const { out, err, code } = await stranger.ssh(session.name, command, { options }).done;
      expect([name, out.length, code]).toEqual([name, 0, 255]);
      expect(err).toContain("Permission denied");
    }),
  );
}

test("each RPC of the schema and each route of a relay's web side refuses who shows nothing, but for two that say that it lives", async () => {
  const w = await world();
  const port = await freePort();
  const relay = await RelayProcess.start(w, "relay", "", ["--web", `127.0.0.1:${port}`]);
  await refusesCalls(w, relay);
  await refusesVisits(port);
});

test("each route of a host and of MCP, each frame that could be a link's first and each thing that ssh can be asked for refuses a stranger", async () => {
  const w = await world({ starts: false });
  const address = await w.listenForAll();
  await refusesRequests(address("http"));
  await refusesFrames(w);
  await refusesSsh(w, address("ssh"));
});
