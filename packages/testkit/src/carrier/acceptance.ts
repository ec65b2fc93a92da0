/**
 * What every carrier must do, whatever it is made of: exported, so that each carrier's test runs this one suite. Frames are here; what attachments
 * need of a carrier is in attachments.ts.
 */
import type { Acceptor, Link } from "@holdfast/carrier";
import { afterEach, describe, expect, test } from "vitest";
import { attachmentAcceptance } from "./attachments.ts";
import type { CarrierUnderTest } from "./under-test.ts";

interface Heard {
  readonly frames: { readonly channel: number; readonly text: string }[];
  readonly closings: string[];
  /** How often this end was told that what waited has left. */
  readonly drains: readonly number[];
  until(ready: () => boolean): Promise<void>;
  readonly acceptor: Acceptor;
}

function listener(): Heard {
  const frames: Heard["frames"] = [];
  const closings: string[] = [];
  const drains: number[] = [];
  const waiting: { readonly ready: () => boolean; readonly go: () => void }[] = [];
  const look = (): void => {
    for (const w of [...waiting]) if (w.ready()) waiting.splice(waiting.indexOf(w), 1)[0]?.go();
  };
  return {
    frames,
    closings,
    drains,
    until: (ready) => new Promise((go) => (ready() ? go() : waiting.push({ ready, go }))),
    acceptor: () => ({
      frame(channel, message) {
        frames.push({ channel, text: Buffer.from(message).toString("latin1") });
        look();
      },
      drained() {
        drains.push(frames.length);
        look();
      },
      closed(reason) {
        closings.push(reason);
        look();
      },
    }),
  };
}

/** Of a test that moves tens of megabytes, on a machine that has other work. */
const SLOW_MS = 60_000;
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

export function carrierAcceptance(name: string, make: () => CarrierUnderTest): void {
  describe(`the ${name} carrier`, () => {
    const made: CarrierUnderTest[] = [];
    const begin = (): CarrierUnderTest => {
      const carrier = make();
      made.push(carrier);
      return carrier;
    };
    const open = async () => {
      const carrier = begin();
      const [server, client] = [listener(), listener()];
      const met = Promise.withResolvers<Link>();
      await carrier.listen((link) => {
        met.resolve(link);
        return server.acceptor(link);
      });
      const links = { client: await carrier.dial(client.acceptor), server: await met.promise };
      return { server, client, links, holdsBack: carrier.holdsBack ?? true };
    };
    afterEach(async () => {
      for (const carrier of made.splice(0)) await carrier.close();
    });

    test("delivers frames of every size whole, in order and on their channels, both ways", async () => {
      const { server, client, links } = await open();
      const sizes = [0, 1, 4_095, 4_096, 8_192, 8_193, 65_536, 1_000_000];
      for (const [i, size] of sizes.entries()) {
        links.client.send(i, bytes("c".repeat(size)));
        links.server.send(1_000 + i, bytes("s".repeat(size)));
      }
      await server.until(() => server.frames.length === sizes.length);
      await client.until(() => client.frames.length === sizes.length);
      expect(server.frames.map((f) => [f.channel, f.text.length])).toEqual(sizes.map((size, i) => [i, size]));
      expect(client.frames.map((f) => [f.channel, f.text.length])).toEqual(sizes.map((size, i) => [1_000 + i, size]));
      expect(client.frames.every((f) => /^s*$/.test(f.text))).toBe(true);
    });

    test("keeps every byte value as it is", async () => {
      const { server, links } = await open();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      links.client.send(4_294_967_295, all);
      await server.until(() => server.frames.length === 1);
      expect(server.frames[0]?.channel).toBe(4_294_967_295);
      expect(server.frames[0]?.text).toBe(Buffer.from(all).toString("latin1"));
    });

    test("delivers nothing while paused, and all of it after", async () => {
      const { server, client, links } = await open();
      links.server.pause();
      links.client.send(1, bytes("held"));
      links.server.send(2, bytes("the other way is open"));
      await client.until(() => client.frames.length === 1);
      expect(server.frames).toEqual([]);
      links.server.resume();
      await server.until(() => server.frames.length === 1);
      expect(server.frames[0]?.text).toBe("held");
    });

    test(
      "tells how much waits behind an end that does not take, and when it has left",
      async () => {
        const { server, client, links, holdsBack } = await open();
        links.client.pause();
        const message = bytes("w".repeat(1_000_000));
        let sent = 0;
        for (; links.server.buffered === 0 && sent < 64; sent++) {
          links.server.send(1, message);
          await new Promise((turn) => setImmediate(turn));
        }
        if (holdsBack) expect(links.server.buffered).toBeGreaterThan(0);
        expect(client.frames).toEqual([]);
        links.client.resume();
        await client.until(() => client.frames.length === sent);
        if (holdsBack) await server.until(() => server.drains.length > 0);
        expect(links.server.buffered).toBe(0);
      },
      SLOW_MS,
    );

    test("tells each end once that it is over, and delivers nothing after that", async () => {
      const { server, client, links } = await open();
      links.client.destroy();
      await server.until(() => server.closings.length > 0);
      links.server.send(1, bytes("to nobody"));
      links.client.send(1, bytes("from nobody"));
      links.client.destroy();
      links.server.destroy();
      expect(client.closings).toHaveLength(1);
      expect(server.closings).toHaveLength(1);
      expect([...server.frames, ...client.frames]).toEqual([]);
    });

    test("delivers what was sent before a close", async () => {
      const { server, links } = await open();
      links.client.send(7, bytes("last words"));
      links.client.close();
      await server.until(() => server.closings.length > 0);
      expect(server.frames.map((f) => f.text)).toEqual(["last words"]);
    });

    attachmentAcceptance(begin);
  });
}
