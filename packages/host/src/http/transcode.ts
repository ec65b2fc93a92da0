/**
 * The wire's messages as JSON and back: protobuf's own mapping (bytes in base64, 64-bit numbers as strings, enums by name), by the schema that
 * `npm run proto` keeps beside the wire types. What the links of other carriers say in bytes is said here in JSON, word for word.
 *
 *   Y1  Read strictly: a name that the schema does not have, or a value of another type, is refused, with where it stands.
 *   Y2  Written with every field that has a default, so that a reader need not know them; what is unset and optional is left out.
 * Loaded by who listens (ADR 101): it costs as much as a start of Node.
 */
import { createFileRegistry, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptors } from "@holdfast/protocol/descriptors";
import { decodeHost, HoldError } from "@holdfast/protocol";

const PACKAGE = "holdfast.v1";
/** Of what a reader of messages says about one that is wrong: it quotes what was sent. */
const WHY_CHARS = 300;

const files = fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, "base64"));
export const registry = createFileRegistry(files);

export function messageOf(name: string): DescMessage {
  const found = registry.getMessage(`${PACKAGE}.${name}`);
  if (!found) throw new HoldError("internal", `the schema has no message ${name}`);
  return found;
}

const clientFrame = messageOf("ClientFrame");
const hostFrame = messageOf("HostFrame");

/** A frame towards the host. Throws `bad_request` (Y1). */
export function frameFrom(body: Readonly<Record<string, JsonValue>>): Uint8Array {
  try {
    return toBinary(clientFrame, fromJson(clientFrame, body));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HoldError("bad_request", why.replaceAll(`${PACKAGE}.`, "").slice(0, WHY_CHARS), {}, { cause });
  }
}

/**
 * An event of output, as {@link jsonOf} would say it: these are most of what is ever said, and three copies of each are saved. Null for what
 * is no such event.
 */
export function outputText(message: Uint8Array): { readonly seq: bigint; readonly bytes: number; readonly text: string } | null {
  const frame = decodeHost(message);
  if (frame.case !== "event" || frame.value.body || frame.value.payload !== "") return null;
  const { seq, actor, via, atUnixMs, stream, offset, data, payloadBytes, lsn, masked } = frame.value;
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.length).toString("base64");
  const who = `"actor":${JSON.stringify(actor)},"via":${JSON.stringify(via)}`;
  const where = `"stream":${stream},"offset":"${offset}"`;
  const text = `{"seq":"${seq}",${who},"atUnixMs":"${atUnixMs}",${where},"data":"${base64}","payload":"","payloadBytes":${payloadBytes},"lsn":"${lsn}","masked":${masked}}`;
  return { seq, bytes: data.length, text };
}

/** What a frame from the host says, under the name of its case. */
export function jsonOf(message: Uint8Array): { readonly [name: string]: JsonValue } {
  return toJson(hostFrame, fromBinary(hostFrame, message), { alwaysEmitImplicit: true }) as {
    [name: string]: JsonValue;
  };
}
