import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectProgram, type Link, type SharedSocket, sshChannelLink } from "@holdfast/carrier";
import ssh2 from "ssh2";
import { carrierAcceptance } from "./acceptance.ts";

const shared = (socket: Socket): SharedSocket => ({
  get buffered() {
    return socket.writableLength;
  },
  onDrain(told) {
    socket.on("drain", told);
    return () => socket.off("drain", told);
  },
});

/** A server that takes whoever comes, and OpenSSH's own client. */
carrierAcceptance("ssh", () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-ssh-carrier-"));
  const key = join(folder, "key");
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const hostKey = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private;
  const links: Link[] = [];
  let server: ssh2.Server | null = null;
  return {
    async pair(accept, client) {
      const met = Promise.withResolvers<Link>();
      server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
        const socket = (connection as unknown as { readonly _sock: Socket })._sock;
        connection.on("error", () => {});
        connection.on("authentication", (context) => context.accept());
        connection.on("session", (begin) =>
          begin().on("subsystem", (take) =>
            sshChannelLink(take(), shared(socket), (link) => {
              met.resolve(link);
              return accept(link);
            }),
          ),
        );
      });
      const port = await new Promise<number>((resolve) => {
        server!.listen(0, "127.0.0.1", () => resolve((server!.address() as AddressInfo).port));
      });
      const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"];
      const argv = ["ssh", "-F", "none", "-i", key, ...options.flatMap((o) => ["-o", o]), "-p", String(port), "-T", "-s"];
      const near = await connectProgram([...argv, "x@127.0.0.1", "holdfast"], client);
      const far = await met.promise;
      links.push(near, far);
      return { server: far, client: near };
    },
    async close() {
      for (const link of links) link.destroy();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      rmSync(folder, { recursive: true });
    },
  };
});
