import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectProgram, type Link, type SharedSocket, sshChannelLink } from "@holdfast/carrier";
import ssh2 from "ssh2";
import { carrierAcceptance } from "./acceptance.ts";
import { Wire } from "./wire.ts";

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
  const wire = new Wire();
  let server: ssh2.Server;
  let lane: Awaited<ReturnType<Wire["before"]>>;
  return {
    wire,
    // A client is a program of its own, with a key exchange of 4 KiB.
    stride: 101,
    async listen(accept) {
      server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
        const socket = (connection as unknown as { readonly _sock: Socket })._sock;
        connection.on("error", () => {});
        connection.on("authentication", (context) => context.accept());
        connection.on("session", (begin) =>
          begin().on("subsystem", (take) =>
            sshChannelLink(take(), shared(socket), (link) => {
              links.push(link);
              return accept(link);
            }),
          ),
        );
      });
      const port = await new Promise<number>((resolve) => {
        server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
      });
      lane = await wire.before(port);
    },
    async dial(accept) {
      const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"];
      const argv = ["ssh", "-F", "none", "-i", key, ...options.flatMap((o) => ["-o", o]), "-p", String(lane.port), "-T", "-s"];
      const link = await connectProgram([...argv, "x@127.0.0.1", "holdfast"], accept);
      links.push(link);
      return link;
    },
    async close() {
      for (const link of links) link.destroy();
      lane.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(folder, { recursive: true });
    },
  };
});
