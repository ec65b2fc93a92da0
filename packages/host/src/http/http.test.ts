import { encodeEvent, encodeHost, type Event, create, EventSchema } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { verbs } from "../call/verbs.ts";
import type { Host } from "../host.ts";
import { described, httpRoutes } from "./index.ts";
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
