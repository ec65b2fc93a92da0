/** `hold context set`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { LOCAL, type Place, targetOf } from "../app/target.ts";
import { readContexts, writeContexts } from "../config/contexts.ts";

interface SetFlags {
  readonly of: string | undefined;
  readonly at: string | undefined;
  readonly credential: string | undefined;
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
  if (relay === undefined && host === undefined)
    throw usage("a context is of a relay (--of URL), of a host (--at ADDRESS), or of both");
  const place: Place = {
    ...(relay === undefined ? {} : { relay }),
    ...(host === undefined ? {} : { host }),
    ...(as === undefined ? {} : { as }),
  };
  const folder = await context.configFolder();
  const contexts = readContexts(folder);
  const changed = { ...contexts, places: { ...contexts.places, [name]: place } };
  // Whether it can be meant at all is told now, and not when it is used.
  targetOf({ host: undefined, relay: undefined, as: undefined, context: name }, {}, changed);
  writeContexts(folder, changed);
  if (flags.json) jsonLine(context.out, { name, relay: relay ?? null, host: host ?? null, as: as ?? null });
  else if (context.err.isTty) line(context.err, `from now on with --context ${name}, or always after: hold context use ${name}`);
  return;
}
