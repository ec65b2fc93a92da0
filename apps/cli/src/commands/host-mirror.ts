/** `hold host mirror`. */
import { readFile } from "node:fs/promises";
import { escapeText, type MirrorStatus, withoutSecret } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { formatKey } from "../mirror/kept.ts";
import { pairs } from "../show/table.ts";
import { ago, bytesText, iso } from "../show/time.ts";

interface MirrorFlags {
  readonly natsCreds: string | undefined;
  readonly bucket: string | undefined;
  readonly takeOver: boolean;
  readonly json: boolean;
}

/** As it should be; anything else is somebody's to see to. */
const WELL = new Set(["mirrored", "copying", "connecting", "off"]);

export async function run(context: Context, flags: MirrorFlags, args: readonly string[]): Promise<number> {
  const what = args[0]!;
  const isAddress = what.includes("://");
  if (!isAddress && (flags.natsCreds !== undefined || flags.bucket !== undefined || flags.takeOver))
    throw usage("--nats-creds, --bucket and --take-over belong to an address: hold host mirror nats://HOST:4222");
  if (isAddress) {
    const creds = flags.natsCreds === undefined ? {} : { creds: await readFile(flags.natsCreds, "utf8") };
    const bucket = flags.bucket === undefined ? {} : { bucket: flags.bucket };
    const status = await (await context.client()).mirror({ url: what, takeOver: flags.takeOver, ...creds, ...bucket });
    return show(context, flags, status);
  }
  switch (what) {
    case "status":
      return show(context, flags, await (await context.client({ start: false })).mirrorStatus());
    case "off":
      return show(context, flags, await (await context.client()).mirror("off"));
    case "now": {
      const status = await (await context.client({ start: false })).mirror("now");
      show(context, flags, status);
      return status.state === "mirrored" ? 0 : 1;
    }
    case "key":
      return key(context, flags);
    default:
      throw usage(
        `\`hold host mirror\` takes an address (nats://HOST:4222), status, now, key or off, not ${JSON.stringify(what)}`,
      );
  }
}

async function key(context: Context, flags: MirrorFlags): Promise<number> {
  const client = await context.client();
  const { key: bytes, bucket, url } = await client.mirrorKey();
  const { hostId } = client.operator;
  const text = formatKey({ hostId, key: Buffer.from(bytes).toString("base64url") });
  if (flags.json) jsonLine(context.out, { key: text, hostId, bucket, url: withoutSecret(url) });
  else {
    line(context.out, text);
    if (context.err.isTty)
      line(context.err, "whoever has this reads all that the host has recorded: keep it as you keep the sessions");
  }
  return 0;
}

function show(context: Context, flags: MirrorFlags, s: MirrorStatus): number {
  if (flags.json) jsonLine(context.out, statusJson(s));
  else for (const l of pairs(rows(context, s), context.paint.dim)) line(context.out, l);
  return WELL.has(s.state) ? 0 : 1;
}

function statusJson(s: MirrorStatus): object {
  return {
    state: s.state,
    why: s.why || null,
    since: iso(s.sinceUnixMs),
    url: s.url || null,
    bucket: s.bucket || null,
    asOf: s.asOfUnixMs > 0n ? iso(s.asOfUnixMs) : null,
    lagBytes: s.lagKnown ? Number(s.lagBytes) : null,
    lagMs: Number(s.lagMs),
    files: s.files,
    bytes: Number(s.bytes),
    copiedBytes: Number(s.copiedBytes),
    pendingErasures: s.pendingErasures,
    epoch: s.epoch,
    serial: Number(s.serial),
  };
}

function rows(context: Context, s: MirrorStatus): (readonly [string, string])[] {
  if (s.state === "off") return [["mirror", "off: `hold host mirror nats://HOST:4222` sets one up"]];
  const now = context.now();
  const behind = s.lagKnown ? bytesText(s.lagBytes) : "not known until it is reached";
  return [
    ["mirror", `${s.url}, bucket ${s.bucket}`],
    ["state", `${s.state} ${ago(s.sinceUnixMs, now)}${s.why ? `: ${escapeText(s.why)}` : ""}`],
    ["as of", s.asOfUnixMs > 0n ? `${iso(s.asOfUnixMs)} (${ago(s.asOfUnixMs, now)})` : "nothing is mirrored yet"],
    ["behind", `${behind}${s.lagMs > 0n ? `, ${(Number(s.lagMs) / 1000).toFixed(1)} s` : ""}`],
    ["mirrored", s.serial > 0n ? `${bytesText(s.bytes)} in ${s.files} files; head ${s.serial}, epoch ${s.epoch}` : ""],
    ["copied", `${bytesText(s.copiedBytes)} since the host began`],
    ["erasures", s.pendingErasures > 0 ? `${s.pendingErasures} not made there yet` : ""],
  ];
}
