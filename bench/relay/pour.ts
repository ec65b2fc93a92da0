/** Bytes through a relay and nothing else: a host that pours as many as it is asked for, in frames, and an operator who takes them. */
import { openRelay, type RelayAddress, reachThroughRelay } from "@holdfast/carrier/grpc";
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { keyIdOf, newKey, passOf, serve } from "./line.ts";
import { orders, tell } from "./talking.ts";

/** As the host cuts output. */
const FRAME_BYTES = 32 * 1024;
/** What may wait in this process, as in the host. */
const MOST_BUFFERED = 512 * 1024;

function pouring(link: Link): LinkHandlers {
  const frame = new Uint8Array(FRAME_BYTES);
  let left = 0;
  const pour = (): void => {
    for (; left > 0 && link.buffered < MOST_BUFFERED; left -= FRAME_BYTES)
      link.send(1, frame.subarray(0, Math.min(left, FRAME_BYTES)));
  };
  return {
    frame(_, message) {
      left = Number(Buffer.from(message).toString());
      pour();
    },
    drained: pour,
    closed: () => {},
  };
}

export async function source(address: RelayAddress): Promise<void> {
  for await (const { token, name, keyId } of orders<{ token: string; name: string; keyId: string }>()) {
    const admits = [Buffer.from(keyId, "hex")];
    const failed = (fault: unknown): void => void process.stderr.write(`${String(fault)}\n`);
    await serve({ address, key: newKey(), name, admits, accept: pouring, failed }, Buffer.from(token, "hex"));
    tell({ pours: name });
  }
  process.exit(0);
}

export async function sink(address: RelayAddress): Promise<void> {
  const key = newKey();
  tell({ keyId: keyIdOf(key).toString("hex") });
  const take = async (host: string, bytes: number): Promise<void> => {
    let came = 0;
    let all!: () => void;
    const over = new Promise<void>((resolve) => {
      all = resolve;
    });
    const link = await reachThroughRelay(
      { relay: await openRelay(address), knock: { host, pass: await passOf(key, address) }, key, trusts: () => {} },
      () => ({
        frame: (_, message) => {
          came += message.length;
          if (came >= bytes) all();
        },
        closed: all,
      }),
    );
    link.send(1, Buffer.from(String(bytes)));
    await over;
    link.destroy();
    if (came < bytes) throw new Error(`${came} of ${bytes} bytes came`);
  };
  for await (const { host, bytes, tunnels } of orders<{ host: string; bytes: number; tunnels: number }>()) {
    const began = performance.now();
    await Promise.all(Array.from({ length: tunnels }, () => take(host, Math.ceil(bytes / tunnels))));
    tell({ seconds: (performance.now() - began) / 1000 });
  }
  process.exit(0);
}
