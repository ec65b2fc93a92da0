/** `ssh -L` and `-W`: a connection to a port of the session, as the SSH client names it (forward/forwards.ts has the rules). */
import { HoldError } from "@holdfast/protocol";
import type { Forwarded, Forwards } from "../forward/forwards.ts";
import type { Sink } from "./sink.ts";

/** Nowhere but the loopback: what is asked for is compared by name, and no name is looked up. */
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

export async function openFor(forwards: Forwards, session: string, address: string, port: number): Promise<Forwarded> {
  if (!LOOPBACK.has(address.toLowerCase()))
    throw new HoldError("not_permitted", `${JSON.stringify(address)} is not of this machine's loopback`);
  return forwards.open(session, port, "ssh");
}

/** Each way until its end: one may be over before the other. `refused`: told why nothing more may be sent. */
export function join(sink: Sink, { socket, demand }: Forwarded, refused: (fault: unknown) => void): void {
  let open = 2;
  const ended = (): void => {
    if (--open === 0) void sink.end();
  };
  socket.on("data", (bytes: Buffer) => {
    socket.pause();
    void sink.write(bytes).then(() => socket.resume());
  });
  socket.once("end", () => {
    void sink.eof();
    ended();
  });
  socket.once("error", () => void sink.end());
  sink.read(
    async (bytes) => {
      try {
        demand();
      } catch (fault) {
        refused(fault);
        socket.destroy();
        return void sink.end();
      }
      await new Promise<void>((done) => socket.write(bytes, () => done()));
    },
    () => {
      socket.end();
      ended();
    },
  );
  socket.resume();
}
