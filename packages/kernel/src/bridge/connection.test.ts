import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { endpoint, newConnection, readConnection, writeConnection } from "./connection.ts";

const folder = mkdtempSync(join(tmpdir(), "hold-connection-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a connection file is its owner's alone and read back as it was written", async () => {
  const path = join(folder, "kernel-1.json");
  const connection = await newConnection("ipc", join(folder, "k"), "python3");
  writeConnection(path, connection);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readConnection(path)).toEqual(connection);
  expect(endpoint(connection, "iopub")).toBe(`ipc://${folder}/k-2`);
});

test("where a path is too long for a socket the kernel is reached over tcp on this machine, on five ports", async () => {
  const connection = await newConnection("ipc", `/${"x".repeat(102)}`, "k");
  expect([connection.transport, connection.ip, new Set(Object.values(connection.ports)).size]).toEqual(["tcp", "127.0.0.1", 5]);
  expect(endpoint(connection, "hb")).toBe(`tcp://127.0.0.1:${connection.ports.hb}`);
});

test("a connection file that says too little, or another way of signing, is told by its path and field", () => {
  const path = join(folder, "bad.json");
  const told = (fields: object) => {
    writeFileSync(path, JSON.stringify(fields));
    return () => readConnection(path);
  };
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
  expect(told({ ...ports, ip: "x", transport: "ipc" })).toThrow(`[bad_connection_file] ${path} lacks key`);
  expect(told({ ...ports, ip: "x", key: "", transport: "ipc", signature_scheme: "hmac-md5" })).toThrow(
    "signature_scheme hmac-md5",
  );
  expect(told({ ...ports, ip: "x", key: "", transport: "udp" })).toThrow("transport udp");
});
