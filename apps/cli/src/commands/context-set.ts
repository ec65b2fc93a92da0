/** `hold context set`. */
import { readFile } from "node:fs/promises";
import { withoutSecret } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { LOCAL, type Place, targetOf } from "../app/target.ts";
import { readContexts, writeContexts } from "../config/contexts.ts";
import { forgetMirror, type KeptMirror, parseKey, writeMirror } from "../mirror/kept.ts";

interface SetFlags {
  readonly of: string | undefined;
  readonly at: string | undefined;
  readonly credential: string | undefined;
  readonly mirror: string | undefined;
  readonly mirrorBucket: string | undefined;
  readonly mirrorCreds: string | undefined;
  readonly mirrorKey: string | undefined;
  readonly json: boolean;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export async function run(context: Context, flags: SetFlags, args: readonly string[]): Promise<undefined> {
  const name = args[0]!;
  if (!NAME.test(name) || name === LOCAL)
    throw usage(
      `context name ${JSON.stringify(name)}: letters, digits, dot, dash and underscore, 64 at most; ${LOCAL} is this machine`,
    );
  const { of: relay, at: host, credential: as } = flags;
  if (relay === undefined && host === undefined && flags.mirror === undefined)
    throw usage("a context is of a relay (--of URL), of a host (--at ADDRESS), or of both; or of a mirror alone (--mirror URL)");
  if (flags.mirror === undefined && (flags.mirrorBucket ?? flags.mirrorCreds ?? flags.mirrorKey) !== undefined)
    throw usage("--mirror-bucket, --mirror-creds and --mirror-key belong to --mirror URL");
  if (flags.mirror !== undefined && flags.mirrorKey === undefined && host === undefined)
    throw usage(
      "the key of a mirror is asked of its host (--at HOST), or given: --mirror-key FILE, as `hold host mirror key` prints it",
    );
  const place: Place = {
    ...(relay === undefined ? {} : { relay }),
    ...(host === undefined ? {} : { host }),
    ...(as === undefined ? {} : { as }),
    ...(flags.mirror === undefined ? {} : { mirror: withoutSecret(flags.mirror) }),
  };
  const folder = await context.configFolder();
  const contexts = readContexts(folder);
  const changed = { ...contexts, places: { ...contexts.places, [name]: place } };
  // Whether it can be meant at all is told now, and not when it is used.
  targetOf({ host: undefined, relay: undefined, as: undefined, context: name }, {}, changed);
  const mirror = await mirrorOf(context, flags, place);
  writeContexts(folder, changed);
  if (mirror) writeMirror(folder, name, mirror);
  else forgetMirror(folder, name);
  if (flags.json)
    jsonLine(context.out, { name, relay: relay ?? null, host: host ?? null, as: as ?? null, mirror: place.mirror ?? null });
  else if (context.err.isTty) line(context.err, `from now on with --context ${name}, or always after: hold context use ${name}`);
  return;
}

/** The mirror with its key, which its host gives to who may have it, now, so that nothing of the host is needed when it is gone. */
async function mirrorOf(context: Context, flags: SetFlags, place: Place): Promise<KeptMirror | null> {
  if (flags.mirror === undefined) return null;
  const creds = flags.mirrorCreds === undefined ? {} : { creds: await readFile(flags.mirrorCreds, "utf8") };
  if (flags.mirrorKey !== undefined) {
    const text = flags.mirrorKey === "-" ? ((await context.input.line()) ?? "") : await readFile(flags.mirrorKey, "utf8");
    return { url: flags.mirror, bucket: flags.mirrorBucket ?? "holdfast", ...creds, ...parseKey(text) };
  }
  const client = await context.connectAt(place);
  try {
    const { key, bucket } = await client.mirrorKey();
    const { hostId } = client.operator;
    return {
      url: flags.mirror,
      bucket: flags.mirrorBucket ?? bucket,
      ...creds,
      hostId,
      key: Buffer.from(key).toString("base64url"),
    };
  } finally {
    client.close();
  }
}
