/**
 * The connection file: where a kernel listens and the key that signs its messages. Whoever can read it can run code in the kernel, so it
 * is 0600 in a folder that only its owner may enter.
 */
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Sign } from "../message/index.ts";

export type Transport = "ipc" | "tcp";
export const ports = ["shell", "iopub", "stdin", "control", "hb"] as const;
export type Port = (typeof ports)[number];

export interface Connection {
  readonly transport: Transport;
  /** tcp: an address; ipc: what all five sockets' paths begin with. */
  readonly ip: string;
  readonly key: string;
  readonly kernelName: string;
  readonly ports: Readonly<Record<Port, number>>;
}

/** Longest path that a Unix socket may have, bytes: 107 on Linux, 103 on macOS; ZeroMQ takes no more than the shorter one safely. */
const MAX_SOCKET_PATH = 103;

/** ipc below `prefix` where that is short enough, or tcp on this machine, on ports that are free now. */
export async function newConnection(wanted: Transport, prefix: string, kernelName: string): Promise<Connection> {
  const key = randomBytes(32).toString("hex");
  if (wanted === "ipc" && Buffer.byteLength(prefix) + 2 <= MAX_SOCKET_PATH) {
    return { transport: "ipc", ip: prefix, key, kernelName, ports: { shell: 1, iopub: 2, stdin: 3, control: 4, hb: 5 } };
  }
  const [shell, iopub, stdin, control, hb] = await freePorts();
  return { transport: "tcp", ip: "127.0.0.1", key, kernelName, ports: { shell, iopub, stdin, control, hb } };
}

/** Five, held at once so that they differ, then let go: another program may still be first. */
async function freePorts(): Promise<[number, number, number, number, number]> {
  const servers = ports.map(() => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  const found = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return found as [number, number, number, number, number];
}

export function endpoint(connection: Connection, port: Port): string {
  const joint = connection.transport === "ipc" ? "-" : ":";
  return `${connection.transport}://${connection.ip}${joint}${connection.ports[port]}`;
}

export function signerOf(key: string): Sign {
  if (key === "") return null;
  return (parts) => {
    const hmac = createHmac("sha256", key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  };
}

/** By rename, so that nobody reads half of it. */
export function writeConnection(path: string, connection: Connection): void {
  const fields = {
    ...Object.fromEntries(ports.map((port) => [`${port}_port`, connection.ports[port]])),
    ip: connection.ip,
    key: connection.key,
    transport: connection.transport,
    signature_scheme: "hmac-sha256",
    kernel_name: connection.kernelName,
  };
  writeFileSync(`${path}.part`, `${JSON.stringify(fields, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

export function readConnection(path: string): Connection {
  const fields = JSON.parse(readFileSync(path, "utf8"));
  const missing = [...ports.map((port) => `${port}_port`), "ip", "key", "transport"].filter((name) => fields[name] === undefined);
  if (missing.length > 0) throw new Error(`[bad_connection_file] ${path} lacks ${missing.join(", ")}`);
  if ((fields.signature_scheme ?? "hmac-sha256") !== "hmac-sha256") {
    throw new Error(`[bad_connection_file] ${path}: signature_scheme ${fields.signature_scheme} is not hmac-sha256`);
  }
  if (fields.transport !== "tcp" && fields.transport !== "ipc") {
    throw new Error(`[bad_connection_file] ${path}: transport ${fields.transport} is neither tcp nor ipc`);
  }
  return {
    transport: fields.transport,
    ip: fields.ip,
    key: fields.key,
    kernelName: fields.kernel_name ?? "",
    ports: Object.fromEntries(ports.map((port) => [port, fields[`${port}_port`]])) as Record<Port, number>,
  };
}
