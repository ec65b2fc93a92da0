/** Two sshd of our own on the loopback, with keys made for the run: one that has the shell, and one to jump through. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface Sshds {
  /** `ssh` to the far one, `through` the other or straight. */
  argv(through: boolean, ...command: readonly string[]): readonly string[];
  end(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Null: OpenSSH is not there. */
export async function startSshds(folder: string): Promise<Sshds | null> {
  const sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => spawnSync(path, ["-?"]).error === undefined);
  if (!sshd || spawnSync("ssh", ["-V"]).error) return null;
  for (const key of ["host", "user"])
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, key)], { stdio: "ignore" });
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const children: ChildProcess[] = [];
  const ports = [await freePort(), await freePort()];
  for (const port of ports) {
    const config = join(folder, `sshd-${port}`);
    writeFileSync(
      config,
      `ListenAddress 127.0.0.1\nPort ${port}\nHostKey ${folder}/host\nAuthorizedKeysFile ${folder}/user.pub\nPidFile none\nStrictModes no\n` +
        "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\n",
    );
    children.push(spawn(sshd, ["-D", "-f", config], { stdio: "ignore" }));
    await listening(port);
  }
  const [far, jump] = ports;
  const config = join(folder, "ssh_config");
  const user = userInfo().username;
  writeFileSync(
    config,
    `Host *\n  HostName 127.0.0.1\n  User ${user}\n  IdentityFile ${folder}/user\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n` +
      `  UserKnownHostsFile /dev/null\n  LogLevel QUIET\n  EscapeChar none\nHost far\n  Port ${far}\nHost jump\n  Port ${jump}\n`,
  );
  return {
    argv: (through, ...command) => ["ssh", "-F", config, ...(through ? ["-J", "jump"] : []), ...command],
    async end() {
      for (const child of children) {
        const gone = once(child, "exit");
        child.kill();
        await gone;
      }
    },
  };
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isUp = await new Promise<boolean>((told) => {
      socket.once("connect", () => told(true)).once("error", () => told(false));
    });
    socket.destroy();
    if (isUp) return;
    await delay(10);
  }
  throw new Error(`no sshd listens on ${port}`);
}
