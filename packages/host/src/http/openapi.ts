/**
 * `GET /v1/openapi.json`: what the HTTP API is, made of the schema (its messages, and its comments as their words), the table of verbs and the
 * routes, so that it can't disagree with them.
 */
import type { DescEnum, DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { codes } from "@holdfast/protocol";
import { rights } from "../call/answer.ts";
import { factsOf, type VerbName, verbs } from "../call/verbs.ts";
import type { Described, Parameter } from "./described.ts";
import { messageOf, registry } from "./transcode.ts";

type Json = { [name: string]: JsonValue };

const PACKAGE = "holdfast.v1.";
/** Numbers in descriptor.proto, of which the path of a comment is made: a file's messages, a message's fields and messages. */
const [FILE_MESSAGE, MESSAGE_FIELD, MESSAGE_NESTED] = [4, 2, 3];

export function openApi(version: string, others: readonly Described[]): Json {
  const schemas: Json = {};
  const words = commentsOf(new Set([...registry.files].map((file) => file.proto)));
  const use = (desc: DescMessage | DescEnum): Json => {
    const name = desc.typeName.slice(PACKAGE.length);
    if (!(name in schemas)) {
      schemas[name] = {};
      schemas[name] = desc.kind === "enum" ? enumSchema(desc) : messageSchema(desc, use, words);
    }
    return { $ref: `#/components/schemas/${name}` };
  };
  schemas["Problem"] = problem;
  const paths: Json = {};
  for (const verb of Object.keys(verbs) as VerbName[]) paths[`/v1/call/${verb}`] = { post: operation(verb, use, words) };
  const schemaOf = (said: string | null): Json => {
    if (said === null) return {};
    const name = said.replace(OR_PROBLEM, "");
    return name === said ? use(messageOf(name)) : { oneOf: [use(messageOf(name)), problemRef] };
  };
  const content = (types: Readonly<Record<string, string | null>>): Json =>
    Object.fromEntries(Object.entries(types).map(([type, said]) => [type, { schema: schemaOf(said) }]));
  for (const one of others)
    paths[one.path] = { ...(paths[one.path] as Json | undefined), [one.method.toLowerCase()]: otherOperation(one, content) };
  return {
    openapi: "3.1.0",
    info: { title: "Holdfast", version, description: "Messages in protobuf's JSON mapping. docs/http.md says the rest." },
    security: [{ grant: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        grant: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "An access grant: hold grant" },
      },
    },
  };
}

function otherOperation(
  { id, path, summary, query = {}, headers = {}, body, answers, events }: Described,
  content: (types: Readonly<Record<string, string | null>>) => Json,
): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name: name!, in: "path", required: true, schema: { type: "string" } },
  }));
  const beside = (where: string, all: Readonly<Record<string, Parameter & { readonly required?: true }>>): Json[] =>
    Object.entries(all).map(([name, { is, says, pattern, required }]) => ({
      ...{ name, in: where, description: says },
      ...(required ? { required } : {}),
      ...(is === "flag" ? { allowEmptyValue: true } : {}),
      schema: { ...parameterSchemas[is], ...(pattern ? { pattern } : {}) },
    }));
  const told = Object.entries(answers).map(([status, { says, content: types }]): [string, Json] => [
    status,
    { description: says, ...(types ? { content: content(types) } : {}) },
  ]);
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...beside("query", query), ...beside("header", headers)],
    ...(body ? { requestBody: { required: true, content: content(body) } } : {}),
    responses: { ...refused, ...Object.fromEntries(told) },
    ...(events ? { "x-events": content(events) } : {}),
  };
}

const parameterSchemas: Readonly<Record<Parameter["is"], Json>> = {
  flag: { type: "string", enum: ["", "1", "0", "true", "false"] },
  number: { type: "integer", minimum: 0 },
  text: { type: "string" },
};

const OR_PROBLEM = " or Problem";
const problemRef: Json = { $ref: "#/components/schemas/Problem" };

const refused: Json = {
  default: {
    description: "Refused, or failed",
    content: { "application/json": { schema: problemRef } },
  },
};

const problem: Json = {
  type: "object",
  required: ["code", "text", "ids", "advice"],
  properties: {
    code: { type: "string", enum: Object.keys(codes) },
    text: { type: "string" },
    ids: { type: "object", additionalProperties: { type: "string" } },
    advice: { type: "string", enum: ["retry", "wait", "reattach", "take_snapshot", "stop"] },
  },
};

function operation(verb: VerbName, use: (desc: DescMessage | DescEnum) => Json, words: Words): Json {
  const facts = factsOf(verb)!;
  const asked = fieldOf("Call", verb).message!;
  const answered = use(fieldOf("Answer", facts.answer).message!);
  const comment = words.get(asked);
  const right = rights[verb];
  const schema: Json = facts.streams
    ? {
        type: "object",
        properties: {
          ...{ more: { type: "boolean" }, [facts.answer]: answered },
          error: problemRef,
        },
      }
    : answered;
  return {
    operationId: verb,
    summary: `${comment ?? verb}`,
    description: right ? `Takes the right ${right}.` : "Takes no right but to be known.",
    requestBody: { content: { "application/json": { schema: use(asked) } } },
    responses: {
      "200": {
        description: facts.streams ? "Lines of JSON; the last has no `more`" : "The answer",
        content: { [facts.streams ? "application/x-ndjson" : "application/json"]: { schema } },
      },
      ...refused,
      // What was not applied is answered as what was (calls.ts), under another status.
      ...(verb === "send"
        ? {
            default: {
              description: "Not applied, and why; or refused",
              content: { "application/json": { schema: { oneOf: [answered, problemRef] } } },
            },
          }
        : {}),
    },
  };
}

function fieldOf(message: string, jsonName: string): DescField {
  return messageOf(message).fields.find((field) => field.jsonName === jsonName)!;
}

function messageSchema(desc: DescMessage, use: (desc: DescMessage | DescEnum) => Json, words: Words): Json {
  const properties: Json = {};
  for (const field of desc.fields) {
    const description = words.get(field);
    properties[field.jsonName] = { ...fieldSchema(field, use), ...(description ? { description } : {}) };
  }
  const description = words.get(desc);
  return { type: "object", ...(description ? { description } : {}), properties, additionalProperties: false };
}

function fieldSchema(field: DescField, use: (desc: DescMessage | DescEnum) => Json): Json {
  const one = (): Json =>
    field.message ? use(field.message) : field.enum ? use(field.enum) : scalarSchema(field.scalar as number);
  switch (field.fieldKind) {
    case "list":
      return { type: "array", items: one() };
    case "map":
      return { type: "object", additionalProperties: one() };
    default:
      return one();
  }
}

/** By ScalarType: the numbers of descriptor.proto's FieldDescriptorProto.Type. */
function scalarSchema(type: number): Json {
  switch (type) {
    case 8:
      return { type: "boolean" };
    case 9:
      return { type: "string" };
    case 12:
      return { type: "string", contentEncoding: "base64" };
    case 3:
    case 4:
      return { type: "string", pattern: "^-?[0-9]+$", description: "64 bits" };
    default:
      return { type: "integer" };
  }
}

function enumSchema(desc: DescEnum): Json {
  return { type: "string", enum: desc.values.map((value) => value.name) };
}

// --- the schema's comments ---

type Words = { get(desc: DescMessage | DescField): string | undefined };

function commentsOf(files: ReadonlySet<FileDescriptorProto>): Words {
  const found = new Map<string, string>();
  for (const file of files) {
    const said = new Map(
      (file.sourceCodeInfo?.location ?? []).map((l) => [l.path.join("."), `${l.leadingComments} ${l.trailingComments}`]),
    );
    const keep = (name: string, path: readonly number[]): void => {
      const text = said.get(path.join("."))?.replaceAll(/\s+/g, " ").trim();
      if (text) found.set(name, text);
    };
    const walk = (message: FileDescriptorProto["messageType"][number], prefix: string, path: readonly number[]): void => {
      const name = `${prefix}.${message.name}`;
      keep(name, path);
      for (const [i, field] of message.field.entries()) keep(`${name}.${field.name}`, [...path, MESSAGE_FIELD, i]);
      for (const [i, nested] of message.nestedType.entries()) walk(nested, name, [...path, MESSAGE_NESTED, i]);
    };
    for (const [i, message] of file.messageType.entries()) walk(message, file.package, [FILE_MESSAGE, i]);
  }
  return {
    get: (desc) => found.get(desc.kind === "field" ? `${desc.parent.typeName}.${desc.name}` : desc.typeName),
  };
}
