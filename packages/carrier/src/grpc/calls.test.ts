import { createServer, type Server, Socket } from "node:net";
import { createSecureServer } from "node:http2";
import type { HoldError } from "@holdfast/protocol";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { expect, onTestFinished, test, vi } from "vitest";
import { relayAddress } from "./address.ts";
import { RelayClient } from "./calls.ts";

test("a relay that is not there is dialled once, and no more when the attempt is over; the kernel's word is the cause", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const dials = vi.spyOn(Socket.prototype, "connect");
  onTestFinished(() => {
    vi.useRealTimers();
    dials.mockRestore();
  });
  const fault = await RelayClient.open(relayAddress("https://127.0.0.1:9")).catch((failed: HoldError) => failed);
  expect(fault).toMatchObject({ code: "unreachable", cause: { code: "ECONNREFUSED" } });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(dials).toHaveBeenCalledTimes(1);
});

async function listening(server: Pick<Server, "listen" | "once" | "address" | "close">, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((heard) => {
    server.once("listening", heard);
    server.listen(0, host);
  });
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

const faultAt = (url: string, ca?: string): Promise<HoldError> =>
  RelayClient.open(relayAddress(url), { ca, timeoutMs: 5_000 }).then(
    (client) => {
      client.close();
      throw new Error("it was reached");
    },
    (failed: HoldError) => failed,
  );

test("what is the matter with who answers in a relay's place is told: nobody, a certificate of nobody's, no TLS", async () => {
  expect((await faultAt("https://127.0.0.1:9")).message).toBe(
    "no relay answers at https://127.0.0.1:9 (connect ECONNREFUSED 127.0.0.1:9)",
  );
  const { cert, key } = selfMadeCertificate();
  const unknown = await listening(createSecureServer({ cert, key }));
  expect(await faultAt(`https://127.0.0.1:${unknown}`)).toMatchObject({
    code: "unreachable",
    message: expect.stringMatching(
      /certificate that is not trusted here \(self-signed certificate\): give the relay's address whole/,
    ),
    details: { relay: `https://127.0.0.1:${unknown}` },
  });
  const plain = await listening(createServer((socket) => socket.once("error", () => {}).end("HTTP/1.1 400 No\r\n\r\n")));
  expect((await faultAt(`https://127.0.0.1:${plain}`)).message).toMatch(
    /speaks no TLS: give the address as the relay printed it/,
  );
});

test("a relay that is dialled by a number is known by it in its certificate, and is told no number for a name, which Node warns of", async () => {
  const { cert, key } = selfMadeCertificate();
  const names: unknown[] = [];
  const server = createSecureServer({ cert, key }).on("secureConnection", ({ servername }) => names.push(servername));
  const port = await listening(server, "0.0.0.0");
  const warned = vi.spyOn(process, "emitWarning");
  onTestFinished(() => warned.mockRestore());
  (await RelayClient.open(relayAddress(`https://127.0.0.1:${port}`), { ca: cert })).close();
  expect(names).toEqual(["relay.invalid"]);
  expect(warned).not.toHaveBeenCalled();
  expect((await faultAt(`https://127.0.0.2:${port}`, cert)).message).toMatch(
    /not trusted here \(.*127\.0\.0\.2 is not in the cert's list/,
  );
});
