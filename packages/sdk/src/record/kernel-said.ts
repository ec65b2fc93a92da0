/** A message of a kernel, read. */
import { type Message, parsed } from "@holdfast/kernel";
import type { KernelOperator, KernelSaid } from "../api/index.ts";

/** Of a header that a kernel returned. */
export function operatorOf(header: Readonly<Record<string, unknown>>): KernelOperator | null {
  const said = header["operator"] as Readonly<Record<string, unknown>> | undefined;
  const word = (key: string): string => (typeof said?.[key] === "string" ? said[key] : "");
  return word("id") === ""
    ? null
    : { id: word("id"), name: word("name"), kind: word("kind"), via: word("via"), onBehalfOf: word("onBehalfOf") };
}

export function saidOf(channel: string, incarnation: number, message: Message): KernelSaid {
  const { header, parent, metadata, content, buffers } = message;
  const head = parsed(header) ?? {};
  return {
    ...{ channel, incarnation, buffers },
    type: typeof head["msg_type"] === "string" ? head["msg_type"] : "",
    header: head,
    parent: parsed(parent) ?? {},
    metadata: parsed(metadata) ?? {},
    content: parsed(content) ?? {},
    raw: { header, parent, metadata, content },
  };
}
