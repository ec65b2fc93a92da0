/** Worlds whose host leads to ports of sessions, and programs that listen there. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Session } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { fact } from "./processes.ts";
import { type World, world } from "./world.ts";

/** `forward` as in config.toml; null: not said there. */
export function forwardingWorld(forward: "off" | "ssh" | "on" | null = "on"): Promise<World> {
  return world({
    prepare: (place) => {
      const folder = join(place, "user", ".config", "holdfast");
      mkdirSync(folder, { recursive: true });
      if (forward) writeFileSync(join(folder, "config.toml"), `[host]\nforward = "${forward}"\n`);
    },
  });
}

const HTTP = `
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=".")
serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
`;
/** Says how much it was told before the end, and its hash, once nothing more comes. */
const COUNT = `
import hashlib, socketserver
class Count(socketserver.BaseRequestHandler):
    def handle(self):
        told, n = hashlib.sha256(), 0
        while got := self.request.recv(65536):
            told.update(got)
            n += len(got)
        self.request.sendall(f"{n} {told.hexdigest()}".encode())
socketserver.ThreadingTCPServer.daemon_threads = True
serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Count))
`;
/** Says hello, then gives back what it is told. */
const ECHO = `
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"hello ")
        while got := self.request.recv(65536): self.request.sendall(got)
socketserver.ThreadingTCPServer.daemon_threads = True
serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo))
`;
/** Sends without end, and writes down how much was taken. */
const FLOOD = `
import socketserver
class Flood(socketserver.BaseRequestHandler):
    def handle(self):
        n = 0
        self.request.setsockopt(1, 7, 65536)
        while True:
            n += self.request.send(b"x" * 65536)
            open("sent", "w").write(str(n))
socketserver.ThreadingTCPServer.daemon_threads = True
serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flood))
`;
/** Writes down what it is told. */
const HEAR = `
import socketserver
class Hear(socketserver.BaseRequestHandler):
    def handle(self):
        while got := self.request.recv(65536): open("heard", "ab", 0).write(got)
socketserver.ThreadingTCPServer.daemon_threads = True
serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hear))
`;
const programs = { HEAR, HTTP, COUNT, ECHO, FLOOD };

const SERVE = `
import os
def serve(server):
    open("port.new", "w").write(str(server.server_address[1]))
    os.rename("port.new", "port-" + NAME)
    server.serve_forever()
`;

/** A session of that name with such a program in it, in the world's folder; resolves with where that listens. */
export async function listener(
  w: World,
  client: HostClient,
  kind: keyof typeof programs,
  name = kind.toLowerCase(),
): Promise<{ readonly session: Session; readonly port: number }> {
  writeFileSync(w.path(`serve-${name}.py`), `NAME = ${JSON.stringify(name)}\n${SERVE}${programs[kind]}`);
  const session = await w.open(client, { name, script: `python3 serve-${name}.py & wait` });
  const port = await fact(`${name} listens`, () => Number(readFileSync(w.path(`port-${name}`), "utf8")));
  return { session, port };
}
