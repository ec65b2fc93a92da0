import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectUnix, type Link, listenUnix, memoryPair, StreamLink } from "@holdfast/carrier";
import { carrierAcceptance } from "./acceptance.ts";

carrierAcceptance("memory", () => ({
  pair: async (server, client) => memoryPair(server, client),
  close: async () => {},
}));

function unix(folderName: string) {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), folderName));
    const path = join(folder, "host.sock");
    let listening: Server | undefined;
    const links: Link[] = [];
    return {
      async pair(server: Parameters<typeof memoryPair>[0], client: Parameters<typeof memoryPair>[1]) {
        const met = new Promise<Link>((resolve) => {
          void listenUnix(path, (link) => {
            resolve(link);
            return server(link);
          }).then(async (s) => {
            listening = s;
            links.push(await connectUnix(path, client));
            made();
          });
        });
        let made!: () => void;
        const connected = new Promise<void>((resolve) => {
          made = resolve;
        });
        const far = await met;
        await connected;
        links.push(far);
        return { server: far, client: links[0] as Link };
      },
      async close() {
        for (const link of links) link.destroy();
        await new Promise<void>((resolve) => (listening ? listening.close(() => resolve()) : resolve()));
        rmSync(folder, { recursive: true });
      },
    };
  };
}

/** Two ends in this process, joined by two programs that pass on what they read. */
carrierAcceptance("stdio", () => {
  const programs = [0, 1].map(() => spawn("cat", { stdio: ["pipe", "pipe", "inherit"] }));
  const [there, back] = programs as [(typeof programs)[number], (typeof programs)[number]];
  return {
    async pair(server, client) {
      const ends = {
        client: new StreamLink("stdio", back.stdout!, there.stdin!),
        server: new StreamLink("stdio", there.stdout!, back.stdin!),
      };
      ends.server.open(server(ends.server));
      ends.client.open(client(ends.client));
      return ends;
    },
    async close() {
      for (const program of programs) program.kill();
    },
  };
});

carrierAcceptance("unix", unix("hold-carrier-"));
carrierAcceptance("unix, at a path longer than a socket's name may be,", unix(`hold-${"x".repeat(120)}-`));
