/**
 * A passphrase from the person: on the terminal that they sit at, whatever standard input is, and without echo; or from a file
 * descriptor that the caller names. Never from an argument or a variable: `ps` shows both.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { HoldError } from "@holdfast/sdk";
import { usage } from "../app/fail.ts";

/** All that the descriptor has, without the line end at its end; `flag` named it. */
export function secretFrom(fd: number, flag = "--passphrase-fd"): string {
  try {
    return readFileSync(fd, "utf8").replace(/\r?\n$/, "");
  } catch (fault) {
    throw usage(`${flag} ${fd} can't be read (${(fault as Error).message}); open it, e.g. \`3<file\``);
  }
}

/** One line, typed unseen; `flag` gives it otherwise. */
export function askSecret(prompt: string, flag = "--passphrase-fd"): Promise<string> {
  let fd: number;
  try {
    fd = openSync("/dev/tty", "r+");
  } catch {
    throw usage(`there is no terminal to ask on; give it with ${flag} N`);
  }
  const terminal = new ReadStream(fd);
  terminal.setRawMode(true);
  writeSync(fd, prompt);
  return new Promise<string>((resolve, reject) => {
    const typed: number[] = [];
    const over = (then: () => void): void => {
      terminal.setRawMode(false);
      writeSync(fd, "\n");
      terminal.destroy();
      then();
    };
    terminal.on("data", (bytes: Buffer) => {
      for (const byte of bytes) {
        if (byte === 0x0d || byte === 0x0a) return over(() => resolve(Buffer.from(typed).toString("utf8")));
        if (byte === 0x03 || (byte === 0x04 && typed.length === 0))
          return over(() => reject(new HoldError("cancelled", "nothing was given")));
        if (byte === 0x15) typed.length = 0;
        else if (byte === 0x7f || byte === 0x08) eraseLast(typed);
        else if (byte >= 0x20) typed.push(byte);
      }
    });
    terminal.on("error", (fault) => over(() => reject(fault)));
  });
}

/** A character, which may be several bytes. */
function eraseLast(typed: number[]): void {
  while (typed.length > 0) if ((typed.pop()! & 0xc0) !== 0x80) return;
}

/** Twice, and equal. */
export async function askNewSecret(name: string): Promise<string> {
  const first = await askSecret(`passphrase for the key of ${name}: `);
  if ((await askSecret("the same again: ")) !== first)
    throw new HoldError("bad_request", "the two passphrases differ; nothing was made");
  return first;
}
