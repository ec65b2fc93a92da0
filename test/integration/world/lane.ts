/** A way on the loopback that stands still as a network does that is down: what is sent waits, who dials is not answered, and nobody is told. */
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import type { World } from "./world.ts";

export interface Lane {
  /** With the port of the lane in place of the relay's. */
  readonly url: string;
  down(): void;
  /** What waited goes on. */
  up(): void;
}

export async function lane(w: World, url: string): Promise<Lane> {
  const to = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  let isDown = false;
  const server = createServer((near) => {
    const far = connectTcp(to, "127.0.0.1");
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("data", (piece) => into.write(piece));
      from.on("close", () => {
        sockets.delete(from);
        into.destroy();
      });
      if (isDown) from.pause();
    }
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  w.atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    down: () => {
      isDown = true;
      for (const socket of sockets) socket.pause();
    },
    up: () => {
      isDown = false;
      for (const socket of sockets) socket.resume();
    },
  };
}
