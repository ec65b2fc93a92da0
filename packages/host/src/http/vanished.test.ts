/** A reader of events that is gone without a word: no end of the connection, and no answer to anything any more. */
import { spawn } from "node:child_process";
import { encodeHost } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import { readListen } from "@holdfast/carrier/listen";
import { Listener } from "../listen/listener.ts";
import type { Grant } from "../operator/grant.ts";
import { EventStreams } from "./events.ts";
import type { Meet } from "./in-process.ts";

/** Reads until it was told that it is attached. Then, if it is to vanish, its kernel drops every packet that comes (SO_ATTACH_FILTER, `ret #0`). */
const READER = `
import ctypes, socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET /events/x HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\nAuthorization: Bearer x\\r\\n\\r\\n" % sys.argv[1].encode())
heard = b""
while b"event: attached" not in heard: heard += s.recv(4096)
if sys.argv[2] == "vanishes":
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(drop)))
print("there", flush=True)
sys.stdin.read()
`;

test.runIf(process.platform === "linux")(
  "a reader that vanished is let go when nothing it was sent is answered, and one that is there and reads nothing is not",
  async () => {
    const gone: string[] = [];
    let met = 0;
    const meet: Meet = (link) => {
      const reader = ++met === 1 ? "the one that vanishes" : "the one that stays";
      return {
        frame: () => link.send(1, encodeHost({ case: "attached", value: { attachment: "a", session: { id: "x" } } })),
        closed: () => void gone.push(reader),
      };
    };
    const streams = new EventStreams(meet, { beatMs: 100, lostAfter: 2 });
    const grant = { operator: { id: "ana" }, jti: "j", keyId: new Uint8Array(32), leftMs: 60_000 } as unknown as Grant;
    const listener = await Listener.open(
      readListen({ listen: "127.0.0.1:0" }),
      { "/events/{session}": { credential: "bearer", GET: (...asked) => streams.open(...asked) } },
      { log: (text) => expect(text).toBe(""), readGrant: async () => grant },
    );
    onTestFinished(() => listener.close());
    const reader = async (how: string): Promise<void> => {
      const child = spawn("python3", ["-c", READER, new URL(listener.url).port, how], { stdio: ["pipe", "pipe", "inherit"] });
      onTestFinished(() => void child.kill());
      await new Promise((there) => child.stdout.once("data", there));
    };
    await reader("vanishes");
    await reader("stays");
    await expect.poll(() => gone, { timeout: 8_000 }).toEqual(["the one that vanishes"]);
  },
);
