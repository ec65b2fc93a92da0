import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Acceptor, connectUnix, type Link, listenUnix, memoryPair, StreamLink } from "@holdfast/carrier";
import { carrierAcceptance } from "./acceptance.ts";
import { Wire } from "./wire.ts";

/** Frames are all that there is of it: its wire breaks between two of them. */
carrierAcceptance("memory", () => {
  const wire = new Wire();
  const links: Link[] = [];
  let listening!: Acceptor;
  const over =
    (way: "up" | "down", accept: Acceptor): Acceptor =>
    (link) => {
      const handlers = accept(link);
      const { frame } = handlers;
      return Object.assign(handlers, {
        frame: (channel: number, message: Uint8Array) => {
          const bytes = message.length + 8;
          if (wire.pass(way, bytes) === bytes) frame.call(handlers, channel, message);
        },
      });
    };
  return {
    wire,
    stride: 7,
    listen: async (accept) => {
      listening = accept;
    },
    dial: async (accept) => {
      const { client } = memoryPair(over("up", listening), over("down", accept));
      links.push(client);
      wire.over(() => client.destroy());
      return client;
    },
    close: async () => {
      for (const link of links) link.destroy();
    },
  };
});

function unix(folderName: string, stride: number) {
  return () => {
    const wire = new Wire();
    const folder = mkdtempSync(join(tmpdir(), folderName));
    const [path, before] = [join(folder, "host.sock"), join(folder, "wire")];
    mkdirSync(before, { mode: 0o700 });
    let listening: Server;
    let lane: { close(): void };
    const links: Link[] = [];
    return {
      wire,
      stride,
      async listen(accept: Acceptor) {
        listening = await listenUnix(path, (link) => {
          links.push(link);
          return accept(link);
        });
        lane = await wire.before(path, join(before, "host.sock"));
      },
      async dial(accept: Acceptor) {
        const link = await connectUnix(join(before, "host.sock"), accept);
        links.push(link);
        return link;
      },
      async close() {
        for (const link of links) link.destroy();
        lane.close();
        await new Promise<void>((resolve) => listening.close(() => resolve()));
        rmSync(folder, { recursive: true });
      },
    };
  };
}

/** Two ends in this process, joined by two programs that pass on what they read. */
carrierAcceptance("stdio", () => {
  const wire = new Wire();
  const programs = new Set<ChildProcess>();
  let listening!: Acceptor;
  return {
    wire,
    stride: 5,
    listen: async (accept) => {
      listening = accept;
    },
    async dial(accept) {
      const pair = [0, 1].map(() => spawn("cat", { stdio: ["pipe", "pipe", "inherit"] }));
      const [there, back] = pair as [(typeof pair)[number], (typeof pair)[number]];
      for (const program of pair) {
        programs.add(program);
        program.once("close", () => programs.delete(program));
        for (const stream of [program.stdin!, program.stdout!]) stream.on("error", () => {});
      }
      const [up, down] = [wire.piece("up"), wire.piece("down")];
      const client = new StreamLink("stdio", back.stdout!.pipe(down), there.stdin!);
      const server = new StreamLink("stdio", there.stdout!.pipe(up), back.stdin!);
      const off = wire.over(() => {
        off();
        for (const program of pair) program.kill();
        client.destroy();
        server.destroy();
      });
      server.open(listening(server));
      client.open(accept(client));
      return client;
    },
    async close() {
      for (const program of programs) program.kill();
    },
  };
});

carrierAcceptance("unix", unix("hold-carrier-", 1));
carrierAcceptance("unix, at a path longer than a socket's name may be,", unix(`hold-${"x".repeat(120)}-`, 11));
