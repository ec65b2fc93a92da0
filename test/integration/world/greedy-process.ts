/**
 * One who takes what a relay gives, and says nothing: node greedy-process.ts calls|connections ADDRESS PORT N
 * Holds what it has until it is ended; a line of stdout, whenever that changes, is {"open": N, "ended": N, "atOnce": N, "told": "…"}.
 * `atOnce`: of the connections that ended, those that did so before any stranger's time was over.
 */
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { argv, stdout } from "node:process";

const [what, address, port, count] = argv.slice(2) as [string, string, string, string];
const STRANGER_MS = 5_000;
const now = { open: 0, ended: 0, atOnce: 0, told: "" };
const tell = (): void => void stdout.write(`${JSON.stringify(now)}\n`);

function connection(): void {
  const socket = connectTcp(Number(port), address);
  const from = performance.now();
  socket.on("error", () => {});
  socket.once("connect", () => {
    now.open++;
    tell();
  });
  socket.once("close", () => {
    now.ended++;
    if (performance.now() - from < STRANGER_MS) now.atOnce++;
    tell();
  });
  socket.resume();
}

if (what === "connections") for (let i = 0; i < Number(count); i++) connection();
else {
  // Of one connection a relay takes 64 calls before it knows anybody on it: with two, it is the address that counts.
  const sessions = [0, 1].map(() => connectHttp2(`https://${address}:${port}`, { rejectUnauthorized: false }));
  for (const session of sessions) session.on("error", () => {});
  for (let i = 0; i < Number(count); i++) {
    const call = sessions[i % 2]!.request({
      ":method": "POST",
      ":path": "/holdfast.v1.RelayService/Reach",
      "content-type": "application/grpc",
      te: "trailers",
    });
    now.open++;
    call.on("error", () => {});
    call.on("data", (piece: Buffer) => void (now.told = piece.toString("latin1")));
    call.once("end", () => {
      now.ended++;
      tell();
    });
  }
}
