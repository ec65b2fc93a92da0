/**
 * The stdio carrier: frames over a program's standard input and output, for whoever can start a program. What the program does to
 * reach the host (ssh, docker exec, sudo) is its own business; so are its complaints on standard error.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createReadStream, createWriteStream, fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { HoldError, limits } from "@holdfast/protocol";
import type { Acceptor, Link } from "../link.ts";
import { StreamLink } from "../stream-link.ts";

/** Of what the program says on standard error so much is kept, from the end, for the error that its failure becomes. */
const COMPLAINT_CHARS = 2_000;

/** This process's own standard input and output as a link. A reader that does not read holds up nothing but what is sent to it. */
export function ownStdio(accept: Acceptor): Link {
  const input = isFile(0) ? createReadStream("", { fd: 0 }) : new Socket({ fd: 0, readable: true, writable: false });
  const output = isFile(1) ? createWriteStream("", { fd: 1 }) : new Socket({ fd: 1, readable: false, writable: true });
  const link = new StreamLink("stdio", input, output);
  link.open(accept(link));
  return link;
}

/** No pipe, socket or terminal: `/dev/null` is one too, where nobody has anything to say. */
function isFile(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFile() || (stat.isCharacterDevice() && !isatty(fd));
}

class ProgramLink extends StreamLink {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Ended from here: how the program takes it is no news. */
  isDestroyed = false;

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    super("stdio", child.stdout, child.stdin);
    this.#child = child;
  }

  override destroy(): void {
    this.isDestroyed = true;
    super.destroy();
    this.#child.kill();
  }
}

/**
 * Starts `argv` and speaks with it. Its standard error is read and not shown. The link ends with the program's output; `closed` is
 * then told how the program ended, if it failed. `destroy` ends the program. Rejects with `unreachable` if it can't be started.
 */
export function connectProgram(argv: readonly string[], accept: Acceptor): Promise<Link> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-COMPLAINT_CHARS);
    });
    child.once("error", (cause: NodeJS.ErrnoException) =>
      reject(new HoldError("unreachable", `${file} can't be started (${cause.code ?? cause.message})`, {}, { cause })),
    );
    child.once("spawn", () => {
      const ended = new Promise<string>((told) =>
        child.once("close", (code, signal) => {
          const last = complaint.trim();
          told(code === 0 ? "closed" : `${file} ended with ${signal ?? code}${last === "" ? "" : `: ${last}`}`);
        }),
      );
      const link = new ProgramLink(child);
      const handlers = accept(link);
      link.open({
        get maxFrameBytes() {
          return handlers.maxFrameBytes ?? limits.frameBytes;
        },
        frame: (channel, message) => handlers.frame(channel, message),
        drained: () => handlers.drained?.(),
        closed: (reason) => {
          if (link.isDestroyed) handlers.closed(reason);
          else void ended.then((how) => handlers.closed(how === "closed" ? reason : how));
        },
      });
      resolve(link);
    });
  });
}
