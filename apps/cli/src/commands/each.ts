/** One act on each of several sessions: what fails keeps none of the others from it, and the failure tells what was done. */
import { HoldError } from "@holdfast/sdk";
import { asFailure } from "../app/fail.ts";

/** `did`: the act as it is told, "ended". Throws the one failure; of several sessions, with what became of the others. */
export async function each(names: readonly string[], did: string, act: (name: string) => Promise<void>): Promise<void> {
  const done: string[] = [];
  const failed: { readonly name: string; readonly failure: HoldError }[] = [];
  for (const name of names) {
    try {
      await act(name);
      done.push(name);
    } catch (thrown) {
      failed.push({ name, failure: asFailure(thrown) });
      // Nobody else can be asked over a link that is gone, or after a Ctrl-C.
      if (["unreachable", "cancelled"].includes(failed.at(-1)!.failure.code)) break;
    }
  }
  const [first] = failed;
  if (!first) return;
  if (names.length === 1) throw first.failure;
  const left = names.slice(done.length + failed.length);
  throw new HoldError(
    first.failure.code,
    `${failed.map((f) => f.failure.message).join("; ")}; ${did}: ${done.join(", ") || "none"}${left.length > 0 ? `; not asked: ${left.join(", ")}` : ""}`,
    { ...first.failure.details, done: done.join(","), failed: failed.map((f) => f.name).join(","), left: left.join(",") },
    { cause: first.failure },
  );
}
