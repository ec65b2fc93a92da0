/** `hold share`. */
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { formatDuration } from "../read/duration.ts";
import type { HostClient, Session } from "@holdfast/sdk";
import { addressesOf, relayedPage, tell } from "./invited.ts";
import { environment } from "./new.ts";

interface ShareFlags {
  readonly open: boolean;
  readonly role: "observer" | "operator" | undefined;
  readonly ttl: number | undefined;
  readonly name: string | undefined;
  readonly redeemWithin: number | undefined;
  readonly at: readonly string[];
  readonly byRelay: boolean;
  readonly json: boolean;
}

const TTL_MS = 30 * 60_000;

export async function run(context: Context, flags: ShareFlags, args: readonly string[]): Promise<undefined> {
  const { role = "observer", ttl = TTL_MS, name, redeemWithin, byRelay } = flags;
  if (byRelay && flags.at.length > 0) throw usage("--by-relay is where the relay serves the page: leave --at out");
  if (ttl <= 0 || redeemWithin === 0) throw usage("a time of more than nothing is wanted: 30m, 2h");
  if (redeemWithin !== undefined && redeemWithin > ttl)
    throw usage(
      `--redeem-within ${formatDuration(redeemWithin)} is more than the guest's whole time (--ttl ${formatDuration(ttl)})`,
    );
  const client = await context.client();
  const session = flags.open ? await opened(context, client, args[0]!) : await client.show(args[0]!);
  const page = byRelay ? await relayedPage(client) : undefined;
  const at = page?.at ?? (await addressesOf(client, flags.at));
  const invited = await client.invite({
    session: session.id,
    role,
    ttlMs: ttl,
    ...(byRelay ? { plain: true } : {}),
    ...(name === undefined ? {} : { name }),
    ...(redeemWithin === undefined ? {} : { redeemMs: redeemWithin }),
  });
  const label = session.name || session.id;
  tell(context, invited, {
    at,
    session: label,
    ...(name === undefined ? {} : { operator: name }),
    words: `${label} is shared with ${name ?? "a guest"}, who may ${role === "observer" ? "watch" : "watch and type"} for ${formatDuration(ttl)}`,
    page: page?.url,
    json: flags.json,
  });
  return;
}

/** The one that lives by that name, or a new one as `hold new` opens it. */
async function opened(context: Context, client: HostClient, name: string): Promise<Session> {
  const settings = await context.settings();
  const shell = settings.shell ?? context.env["SHELL"];
  const { session } = await client.open({
    name,
    attachIfLives: true,
    env: environment(context.env, []),
    cwd: context.cwd,
    floor: settings.floor,
    ...(shell ? { shell } : {}),
  });
  return session;
}
