/**
 * Ports for servers that are told theirs: below those from which the kernel takes the near ends of connections, and for each of the files
 * that run at the same time a stretch of its own. Nobody takes one between the look and the server, nor while its server is started again.
 */
import { createServer } from "node:net";

/** Linux lets connections begin at 32,768. */
const FIRST = 20_000;
const STRETCH = 1_500;
const STRETCHES = 8;

const own = FIRST + ((Number(process.env["VITEST_POOL_ID"] ?? 0) + STRETCHES) % STRETCHES) * STRETCH;
/** What the file before had may not be free yet. */
let next = Math.trunc(Math.random() * STRETCH);

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < STRETCH; tries++) {
    const port = own + (next++ % STRETCH);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports ${own} to ${own + STRETCH - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
