import { expect, test } from "vitest";
import { listeningBelow, type Proc } from "./listening.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0 0 10 0\n`;
const V6_ANY = "0".repeat(32);
const V6_LOOPBACK = `${"0".repeat(24)}01000000`;
const V4_IN_V6 = "0000000000000000FFFF00000100007F";

/** A machine: files of /proc, and for each pid its children and sockets. */
function machine(
  tcp: string,
  tcp6: string,
  processes: Record<number, { children?: number[]; sockets?: number[]; name?: string }>,
): Proc {
  const of = (path: string) => processes[Number(path.split("/")[0])];
  return {
    read: async (path) => {
      if (path === "net/tcp") return HEAD + tcp;
      if (path === "net/tcp6") return HEAD + tcp6;
      return path.endsWith("/comm") ? `${of(path)?.name ?? ""}\n` : (of(path)?.children ?? []).map((pid) => `${pid} `).join("");
    },
    list: async (path) => {
      const found = of(path);
      if (!found) return [];
      return path.endsWith("/task") ? [path.split("/")[0]!] : ["0", ...(found.sockets ?? []).map((_, i) => String(i + 3))];
    },
    link: async (path) => {
      const inode = of(path)?.sockets?.[Number(path.split("/")[2]) - 3];
      return inode === undefined ? "/dev/null" : `socket:[${inode}]`;
    },
  };
}

test("a session's ports are those that a program below its shim listens on, however deep, and nobody else's", async () => {
  const tcp = row("0100007F:0BB8", "0A", 11) + row("0100007F:1F90", "0A", 12) + row("0100007F:0050", "0A", 13);
  const from = machine(tcp, "", {
    5: { children: [6], name: "shim" },
    6: { children: [7, 8], name: "bash" },
    7: { sockets: [11], name: "node" },
    8: { children: [9] },
    9: { sockets: [12], name: "python3" },
    20: { sockets: [13], name: "nginx" },
  });
  expect(await listeningBelow([5], from)).toEqual([
    { port: 3000, address: "127.0.0.1", pid: 7, program: "node" },
    { port: 8080, address: "127.0.0.1", pid: 9, program: "python3" },
  ]);
  expect(await listeningBelow([20], from)).toEqual([{ port: 80, address: "127.0.0.1", pid: 20, program: "nginx" }]);
  expect(await listeningBelow([], from)).toEqual([]);
});

test("who listens everywhere is reached on the loopback; another interface, and a connection that is no listener, are not", async () => {
  const tcp = row("00000000:0BB8", "0A", 11) + row("0A00000A:0BB9", "0A", 12) + row("0100007F:0BBA", "01", 13);
  const tcp6 = row(`${V6_ANY}:0BBB`, "0A", 14) + row(`${V6_LOOPBACK}:0BBC`, "0A", 15) + row(`${V4_IN_V6}:0BBD`, "0A", 16);
  const from = machine(tcp, tcp6, { 5: { sockets: [11, 12, 13, 14, 15, 16], name: "all" } });
  expect((await listeningBelow([5], from)).map(({ port, address }) => `${address} ${port}`)).toEqual([
    "127.0.0.1 3000",
    "::1 3003",
    "::1 3004",
    "127.0.0.1 3005",
  ]);
});

test("where the system does not tell what programs have open, that is said, and no port is guessed", async () => {
  const nothing: Proc = { read: async () => "", list: async () => [], link: async () => "" };
  await expect(listeningBelow([5], nothing)).rejects.toMatchObject({ code: "unsupported" });
});
