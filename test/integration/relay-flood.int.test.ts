/** What 2,000 calls that never say who they are make a relay hold (reliability T-25), and whether it takes others meanwhile. */
import { type ClientHttp2Session, connect } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { fact, rssKib } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { reach } from "./world/steered.ts";
import { say, world } from "./world/world.ts";

const CONNECTIONS = 200;
const CALLS_EACH = 10;
const PIECE = Buffer.alloc(16 * 1024);
/** Measured on two busy cores: 130 to 133 MiB, most of it of calls and connections as such; 1,535 MiB where each call may send a message of 1 MiB. */
const MOST_MIB = 220;

/** A call that begins a message of 1 MiB less a byte, and sends of it as much as it is let, but for its end. */
function greedy(session: ClientHttp2Session, method: string, over: () => void): void {
  const stream = session.request(
    { ":method": "POST", ":path": `/holdfast.v1.RelayService/${method}`, "content-type": "application/grpc", te: "trailers" },
    { endStream: false },
  );
  let left = 1024 * 1024 - 2;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(left + 1, 1);
  stream.on("error", () => {});
  stream.on("close", over);
  stream.resume();
  const go = (): void => {
    while (left > 0 && !stream.destroyed) {
      const piece = PIECE.subarray(0, left);
      left -= piece.length;
      if (!stream.write(piece)) return void stream.once("drain", go);
    }
  };
  stream.write(head);
  go();
}

test("2,000 strangers' calls make a relay hold little, whatever they send, and somebody who is known is let in beside them", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const address = await relay.joinedBy(await w.connect(), "box");
  const known = await reach(w, address);
  const before = rssKib(relay.pid);
  let [most, over] = [before, 0];
  const watch = setInterval(() => (most = Math.max(most, rssKib(relay.pid))), 20);
  onTestFinished(() => clearInterval(watch));
  const sessions = Array.from({ length: CONNECTIONS }, () => {
    const session = connect(relay.url);
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
    return session;
  });
  const methods = ["Serve", "Accept", "Reach", "Find"];
  for (const session of sessions)
    for (let n = 0; n < CALLS_EACH; n++) greedy(session, methods[n % methods.length]!, () => over++);
  const beside = await reach(w, address);
  expect((await beside.status()).hostId).toBe((await known.status()).hostId);
  await fact("each of those calls is over", () => over === CONNECTIONS * CALLS_EACH);
  most = Math.max(most, rssKib(relay.pid));
  const grewMib = Math.round((most - before) / 1024);
  say(
    `${CONNECTIONS * CALLS_EACH} calls on ${CONNECTIONS} connections: ${grewMib} MiB more at most, beside ${Math.round(before / 1024)} MiB`,
  );
  expect(grewMib).toBeLessThan(MOST_MIB);
});
