/** The relay that a command is about: the one of this home, or of the folder that was named. */
import { join, resolve } from "node:path";
import type { Context } from "../app/context.ts";

type Relays = Awaited<ReturnType<Context["relays"]>>;

export async function askedOf(
  context: Context,
  named: string | undefined,
): Promise<{ readonly folder: string; readonly relays: Relays }> {
  const folder = named === undefined ? join(await context.home(), "relay") : resolve(context.cwd, named);
  return { folder, relays: await context.relays() };
}

/** Asks it one thing. */
export async function asking(context: Context, named: string | undefined): Promise<BoundAsk> {
  const { folder, relays } = await askedOf(context, named);
  return (verb, question) => relays.askRelay(relays.adminSocket(folder), verb, question);
}

type BoundAsk = <V extends Parameters<Relays["askRelay"]>[1]>(
  verb: V,
  question: Parameters<typeof import("@holdfast/relay").askRelay<V>>[2],
) => ReturnType<typeof import("@holdfast/relay").askRelay<V>>;
