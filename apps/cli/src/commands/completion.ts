/** `hold completion`. */
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { scripts } from "../complete/scripts.ts";
import { didYouMean } from "../read/near.ts";

export async function run(context: Context, _flags: object, args: readonly string[]): Promise<undefined> {
  const shell = args[0]!;
  if (!Object.hasOwn(scripts, shell))
    throw usage(
      `there is no completion for ${JSON.stringify(shell)}${didYouMean(shell, Object.keys(scripts))}; bash, zsh and fish have one`,
    );
  context.out.write(scripts[shell as keyof typeof scripts]);
  return;
}
