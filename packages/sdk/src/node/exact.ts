/**
 * What this process was started with, byte for byte. Node decodes arguments, variables and the working directory as UTF-8 and
 * puts U+FFFD where they are none; Linux still has the bytes in /proc. Elsewhere Node's word stands, and such bytes are lost.
 * Texts are as protocol/exact-text.ts has them.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { isOdd, textOf } from "@holdfast/protocol";

export type Env = Readonly<Record<string, string | undefined>>;

/** Node's sign that bytes may have been lost. A U+FFFD that somebody wrote is told from it below. */
const isMangled = (text: string | undefined): boolean => text?.includes("\ufffd") === true;

function fromProc<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

const words = (bytes: Buffer): Buffer[] => {
  const found: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(0); end >= 0; at = end + 1, end = bytes.indexOf(0, at))
    found.push(bytes.subarray(at, end));
  return found;
};

/** `argv`: the last arguments of this process, as Node has them. */
export function exactArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some(isMangled)) return argv;
  return fromProc(() => {
    const last = words(readFileSync("/proc/self/cmdline")).slice(-argv.length);
    return argv.map((arg, i) => (last[i]?.toString("utf8") === arg ? textOf(last[i]) : arg));
  }, argv);
}

export function exactEnvironment(env: Env = process.env): Env {
  const mangled = Object.entries(env).filter((kv) => kv.some(isMangled));
  if (mangled.length === 0) return env;
  return fromProc(() => {
    const first = words(readFileSync("/proc/self/environ"));
    const exact = Object.fromEntries(
      mangled.map(([name, value]) => {
        const bytes = first.find((kv) => kv.toString("utf8") === `${name}=${value}`);
        const text = bytes ? textOf(bytes) : `${name}=${value}`;
        const at = text.indexOf("=");
        return [text.slice(0, at), text.slice(at + 1)];
      }),
    );
    const names = new Set(mangled.map(([name]) => name));
    return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name))), ...exact };
  }, env);
}

export function exactDirectory(cwd: string = process.cwd()): string {
  if (!isMangled(cwd)) return cwd;
  return fromProc(() => {
    const text = textOf(readlinkSync("/proc/self/cwd", { encoding: "buffer" }));
    return isOdd(text) ? text : cwd;
  }, cwd);
}
