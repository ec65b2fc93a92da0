/** `hold send`: one atomic input. */
import { bytesOf, HoldError, inputStatusWord, keyNames, parseKey, sessionKindWord } from "@holdfast/sdk";
import { type Context, jsonLine } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { didYouMean } from "../read/near.ts";

interface SendFlags {
  enter: boolean;
  key: readonly string[];
  stdin: boolean;
  paste: boolean;
  eof: boolean;
  take: boolean;
  durable: boolean;
  json: boolean;
}

/** INTR, QUIT and SUSP: alone, they go beside the queue. */
const interrupts = new Set(["\x03", "\x1c", "\x1a"]);

export function keysText(keys: readonly string[]): string {
  return keys
    .map((key) => {
      const bytes = parseKey(key);
      if (bytes === null)
        throw usage(
          `${JSON.stringify(key)} is no key${didYouMean(key, keyNames)}; keys are C-c, M-x, Enter, Up, F5 or one character`,
        );
      return bytes;
    })
    .join("");
}

export async function run(context: Context, flags: SendFlags, args: readonly string[]): Promise<number | undefined> {
  const text = [...args.slice(1), ...(context.tail ?? [])].join(" ");
  let keys = keysText(flags.key) + (flags.enter ? "\r" : "");
  const chunks: Uint8Array[] = [bytesOf(text)];
  if (flags.stdin) for await (const chunk of context.input.bytes()) chunks.push(chunk);
  const client = await context.client();
  if (flags.eof || keys.includes("\r")) {
    const isPipes = sessionKindWord((await client.show(args[0]!)).kind) === "pipes";
    if (flags.eof && !isPipes)
      throw usage(
        `${args[0]} has a terminal, and --eof is for --pipes sessions; \`hold send ${args[0]} --key C-d\` ends its input`,
      );
    // No terminal is there that would make a line feed of Enter.
    if (isPipes) keys = keys.replaceAll("\r", "\n");
  }
  chunks.push(Buffer.from(keys));
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0 && !flags.eof) throw usage("nothing to send: give TEXT, --key, --enter, --stdin or --eof");
  const outcome = await client.send(args[0]!, bytes, {
    take: flags.take,
    paste: flags.paste,
    eof: flags.eof,
    durable: flags.durable,
    interrupt: interrupts.has(bytes.toString("latin1")),
  });
  const status = inputStatusWord(outcome.status);
  if (status !== "applied")
    throw new HoldError(
      (outcome.code as HoldError["code"]) ?? (status === "cut" ? "input_cut" : "input_void"),
      outcome.message ??
        `input ${outcome.seq || ""} was ${status}: ${outcome.bytes} of ${bytes.length} bytes reached the program; look at the screen, then send again`,
      { seq: String(outcome.seq), status, bytes: String(outcome.bytes) },
    );
  if (flags.json) jsonLine(context.out, { seq: outcome.seq, status, bytes: outcome.bytes });
  return;
}
