/**
 * How a command fails: `[code] message` on stderr, or one JSON object there with --json, and the exit code of the code.
 *   F1  Nothing of a failure goes to stdout.
 *   F2  Text that came from elsewhere is escaped before it reaches the terminal.
 */
import { adviceOf, escapeLines, exitCodeOf, HoldError } from "@holdfast/sdk";
import type { Output } from "./context.ts";

export function usage(message: string): HoldError {
  return new HoldError("usage", message);
}

/** Any thrown thing as code and message; what is not ours is a defect and says how to report it. */
export function asFailure(thrown: unknown): HoldError {
  if (thrown instanceof HoldError) return thrown;
  const loose = thrown as { code?: unknown; message?: unknown; details?: Record<string, string>; name?: unknown; path?: unknown };
  if (loose?.name === "HoldError" && typeof loose.code === "string")
    return new HoldError(loose.code as HoldError["code"], String(loose.message), loose.details ?? {});
  if (loose?.name === "AbortError")
    return new HoldError("cancelled", "stopped before it was done; nothing on the host was changed by stopping");
  if (loose?.code === "ENOENT" || loose?.code === "EACCES" || loose?.code === "ENOSPC" || loose?.code === "EISDIR")
    return new HoldError(
      loose.code === "ENOSPC" ? "disk_full" : "bad_request",
      `${String(loose.message)}: correct the path and try again`,
    );
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new HoldError(
    "internal",
    `${why}; this is a defect of hold: run it again with HOLDFAST_DEBUG=1 and report what it prints`,
    {},
    { cause: thrown },
  );
}

/** The wire has texts alone, and a list as one of them. */
function detailsJson(details: HoldError["details"]): Record<string, string | string[]> {
  const { candidates, ...rest } = details;
  return candidates === undefined ? rest : { ...rest, candidates: candidates.split(",").filter((c) => c !== "") };
}

export function report(
  failure: HoldError,
  output: Output,
  options: {
    readonly json: boolean;
    readonly paintCode?: (text: string) => string;
    readonly debug?: boolean;
    readonly exit?: number;
  },
): number {
  const exit = options.exit ?? exitCodeOf(failure.code);
  if (options.json) {
    output.write(
      `${JSON.stringify({ code: failure.code, message: failure.message, advice: adviceOf(failure.code), details: detailsJson(failure.details), exit })}\n`,
    );
  } else {
    const code = `[${failure.code}]`;
    output.write(`${options.paintCode ? options.paintCode(code) : code} ${escapeLines(failure.message)}\n`);
  }
  if (options.debug) output.write(`${escapeLines(String((failure.cause as Error | undefined)?.stack ?? failure.stack ?? ""))}\n`);
  return exit;
}
