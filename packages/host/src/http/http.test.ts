import { create, encodeEvent, encodeHost, type Event, EventSchema, HoldError } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { verbs } from "../call/verbs.ts";
import type { Host } from "../host.ts";
import { turnAway } from "../link/host-link.ts";
import { readListen } from "@holdfast/carrier/listen";
import { Listener } from "../listen/listener.ts";
import type { Grant } from "../operator/grant.ts";
import type { Meet } from "./in-process.ts";
import { described } from "./described.ts";
import { httpRoutes } from "./index.ts";
import { openApi } from "./openapi.ts";
import { frameFrom, jsonOf, messageOf, outputText } from "./transcode.ts";

const routes = httpRoutes({} as Host, () => ({ frame: () => {}, closed: () => {} }));
const document = openApi("0", described) as { paths: Record<string, Record<string, object>>; components: object };

test("every route takes a grant, and is in the document by each of its methods", () => {
  const documented = Object.keys(document.paths).map((path) => path.replace(/^\/v1\/call\/\w+$/, "/v1/call/{verb}"));
  expect(new Set(documented)).toEqual(new Set(Object.keys(routes)));
  for (const [path, route] of Object.entries(routes)) {
    expect([path, route.credential]).toEqual([path, "bearer"]);
    const methods = Object.keys(route).filter((name) => name !== "credential");
    const [asDocumented] = Object.entries(document.paths).filter(([at]) => at === path.replace("{verb}", "list"));
    expect(Object.keys(asDocumented![1]).map((name) => name.toUpperCase())).toEqual(methods);
  }
});

test("the document has every verb of the schema, and what it refers to is there", () => {
  const inSchema = messageOf("Call").oneofs[0]!.fields.map((field) => field.jsonName);
  expect(Object.keys(verbs).sort()).toEqual(inSchema.sort());
  const answers = messageOf("Answer").oneofs[0]!.fields.map((field) => field.jsonName);
  for (const { answer } of Object.values(verbs)) expect(answers).toContain(answer);
  const schemas = (document.components as { schemas: Record<string, object> }).schemas;
  const refers = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
  expect(refers.length).toBeGreaterThan(60);
  for (const name of refers) expect(Object.keys(schemas)).toContain(name);
  expect(schemas["OpenCall"]).toMatchObject({ properties: { command: { description: "empty: the shell" } } });
});

test("the document tells of each route what may be asked with it, and what it answers with", () => {
  const told = Object.values(document.paths).flatMap((methods) => Object.values(methods)) as {
    operationId: string;
    parameters?: { name: string; in: string; required?: true }[];
    requestBody?: { content: object };
    responses: Record<string, { content?: Record<string, { schema: object }> }>;
  }[];
  expect(new Set(told.map(({ operationId }) => operationId)).size).toBe(told.length);
  for (const { operationId, responses } of told) {
    expect([operationId, Object.keys(responses).some((status) => /^2\d\d$/.test(status))]).toEqual([operationId, true]);
    expect(responses["default"]).toHaveProperty("content");
  }
  const of = (id: string) => told.find(({ operationId }) => operationId === id)!;
  const names = (id: string, where: string) => of(id).parameters!.flatMap((p) => (p.in === where ? [p.name] : []));
  expect(names("attachmentEvents", "query")).toEqual([
    "from",
    "observe",
    "replay",
    "take",
    "quiet",
    "no_output",
    "size",
    "scrollback",
    "writer",
  ]);
  expect(names("attachmentEvents", "header")).toEqual(["Last-Event-ID"]);
  expect(names("attachmentInput", "query")).toEqual(["n", "unit", "unit_end", "interrupt", "eof", "take", "durable"]);
  for (const id of ["attachmentInput", "attachmentResize", "attachmentFloor", "attachmentDetach"])
    expect(of(id).parameters).toContainEqual(expect.objectContaining({ name: "Holdfast-Attach", in: "header", required: true }));
  for (const id of ["attachmentInput", "send"])
    expect(of(id).responses["default"]!.content!["application/json"]!.schema).toEqual({
      oneOf: ["InputResult", "Problem"].map((name) => ({ $ref: `#/components/schemas/${name}` })),
    });
  expect(Object.keys(of("attachmentInput").requestBody!.content)).toEqual(["application/json", "application/octet-stream"]);
  expect(of("attachmentFloor").responses["200"]!.content!["application/json"]!.schema).toEqual({
    $ref: "#/components/schemas/Floor",
  });
});

test("output is said as every other event is", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "-", ":", '"', "\\"), maxLength: 12 });
  fc.assert(
    fc.property(
      fc.record({
        seq: fc.bigInt({ min: 0n, max: 2n ** 53n }),
        actor: text,
        via: text,
        atUnixMs: fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }),
        stream: fc.nat(2),
        offset: fc.bigInt({ min: 0n, max: 2n ** 53n }),
        data: fc.uint8Array({ maxLength: 2_000 }),
        payloadBytes: fc.nat(65_536),
        lsn: fc.bigInt({ min: 0n, max: 2n ** 53n }),
      }),
      (fields) => {
        const message = encodeEvent(create(EventSchema, fields) as Event);
        const said = outputText(message)!;
        expect(JSON.parse(said.text)).toEqual(jsonOf(message)["event"]);
        expect([said.seq, said.bytes]).toEqual([fields.seq, fields.data.length]);
      },
    ),
  );
});

/** The routes on a port, whose links `meet` takes; everybody is ana. */
async function answering(meet: Meet): Promise<(path: string, fields?: object) => Promise<Response>> {
  const grant = { operator: { id: "ana" }, jti: "j", keyId: new Uint8Array(32), leftMs: 1_000 } as unknown as Grant;
  const listener = await Listener.open(readListen({ listen: "127.0.0.1:0" }), httpRoutes({} as Host, meet), {
    log: (text) => expect(text).toBe(""),
    readGrant: async () => grant,
  });
  onTestFinished(() => listener.close());
  const url = listener.url.replace(/^ws/, "http");
  return (path, fields) =>
    fetch(`${url}${path}`, {
      headers: { Authorization: "Bearer x", "Content-Type": "application/json" },
      ...(fields ? { method: "POST", body: JSON.stringify(fields) } : {}),
    });
}

test("what the host has no room for is told as such, and leaves nothing behind", async () => {
  const full = new HoldError("too_many", "no room");
  const ask = await answering((link) => turnAway(link, full, { clock: { monoMs: () => 0 } as never, wakeAt: () => () => {} }));
  for (const said of [await ask("/v1/call/list", {}), await ask("/v1/call/run", {}), await ask("/v1/sessions/x/events")])
    expect([said.status, await said.json()]).toEqual([429, { code: "too_many", text: "no room", ids: {}, advice: "wait" }]);
});

test("what else a link is told is passed over where one answer is wanted", async () => {
  const ask = await answering((link) => ({
    frame() {
      link.send(0, encodeHost({ case: "pong", value: { token: 1n } }));
      link.send(0, encodeHost({ case: "answer", value: { id: 1n, result: { case: "done", value: {} } } }));
    },
    closed: () => {},
  }));
  expect(await (await ask("/v1/call/rename", { session: "x", name: "y" })).json()).toEqual({});
});

test("what is no output is not taken for it", () => {
  const gone = create(EventSchema, { seq: 1n, payload: "redacted", payloadBytes: 7 });
  expect(outputText(encodeEvent(gone))).toBeNull();
  expect(outputText(encodeHost({ case: "event", value: { seq: 1n, body: { kind: { case: "closed", value: {} } } } }))).toBeNull();
  expect(outputText(encodeHost({ case: "pong", value: { token: 1n } }))).toBeNull();
});

test("a frame is read to the letter", () => {
  expect(frameFrom({ call: { id: "1", show: { session: "x" } } }).length).toBeGreaterThan(0);
  for (const fields of [{ sesion: "x" }, { session: 7 }, { session: ["x"] }, { constructor: 1 }])
    expect(() => frameFrom({ call: { id: "1", show: fields as never } })).toThrow(/cannot decode/);
});
