/** Messages: made from what is given, written to bytes and read from them. Every `NameSchema` is a codec of this form. */
import type { DeepPartial, MessageFns } from "./wire/link.ts";

export type Codec<T> = Pick<MessageFns<T>, "encode" | "decode" | "fromPartial">;
export type Init<T> = DeepPartial<T>;

/** A whole message: what is left out has its default. */
export function create<T>(codec: Codec<T>, init?: Init<NoInfer<T>>): T {
  return codec.fromPartial(init ?? ({} as Init<T>));
}

export function toBinary<T>(codec: Codec<T>, message: T): Uint8Array {
  return codec.encode(message).finish();
}

/** Throws for bytes that are no such message. Unknown fields are passed over. */
export function fromBinary<T>(codec: Codec<T>, bytes: Uint8Array): T {
  return codec.decode(bytes);
}

/** The name of an enum's value, as the schema says it; the number for one that this version does not know. */
export function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}
