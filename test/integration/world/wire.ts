import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import type { World } from "./world.ts";

/** A stretch of wire before a host that listens: it can be cut, or closed for good. `tap` is shown all that passes, both ways. */
export async function wire(
  w: World,
  url: string,
  tap?: (bytes: Buffer) => void,
): Promise<{ readonly url: string; cut(): void; close(): void }> {
  const to = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(to, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    if (tap) for (const socket of [near, far]) socket.on("data", tap);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const close = (): void => {
    server.close();
    cut();
  };
  w.atEnd(close);
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, close };
}
