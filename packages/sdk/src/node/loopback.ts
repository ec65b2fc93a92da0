/** Listening on this machine's loopback, for programs here: what has come in ends with the listener. */
import type { AddressInfo, Server, Socket } from "node:net";
import { HoldError } from "@holdfast/protocol";

export interface Loopback {
  /** On 127.0.0.1. */
  readonly localPort: number;
  /** Ends its connections too. */
  close(): Promise<void>;
}

/** `localPort` 0: any that is free. Rejects if the port is taken. */
export async function listenOnLoopback(server: Server, localPort: number): Promise<Loopback> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(new HoldError("name_taken", `port ${localPort} of this machine can't be listened on: ${cause.code}`, {}, { cause })),
    );
    server.listen(localPort, "127.0.0.1", resolve);
  });
  return {
    localPort: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Of what leads to a port of a session. */
export function portFault(fault: unknown): HoldError {
  if (fault instanceof HoldError) return fault;
  return new HoldError("port_failed", fault instanceof Error ? fault.message : String(fault), {}, { cause: fault });
}
