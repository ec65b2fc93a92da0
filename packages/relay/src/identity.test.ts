import { X509Certificate } from "node:crypto";
import { audienceOf, pinOf, relayAddress } from "@holdfast/carrier/grpc";
import { expect, test } from "vitest";
import { meantBy } from "./identity.ts";
import { Host, Scene } from "./test/scene.ts";

/** Of relay.example and 127.0.0.1; nobody has kept its key. */
const PEM = `-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIUDzc0dyX3EKhTQLdO1MEVllX5G1gwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVsYXkuZXhhbXBsZTAeFw0yNjExMjcyMzM3NTZaFw0zNjEx
MjQyMzM3NTZaMBgxFjAUBgNVBAMMDXJlbGF5LmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARHlFBkRAu6VkPgja/JCw+yNYTESgkd8nnp75IrPvMgm9kA
3oogKT3SIuFWeSrv7Ji77fVTh/tiycv503AtKJJro3MwcTAdBgNVHQ4EFgQUuH9C
eEDDE90JrvTHBq3m275qVAswHwYDVR0jBBgwFoAUuH9CeEDDE90JrvTHBq3m275q
VAswDwYDVR0TAQH/BAUwAwEB/zAeBgNVHREEFzAVgg1yZWxheS5leGFtcGxlhwR/
AAABMAoGCCqGSM49BAMCA0gAMEUCICLtXwScxUrIlxlUE2pT6DJg/m9QMl5h3olW
hsE1xsqAAiEAucV7GJu4UrCst7C07kPxpGkN5DjNsn/DJMj+Wn4KhC8=
-----END CERTIFICATE-----
`;
const pinOfCertificate = (c: X509Certificate): string => pinOf(c.publicKey.export({ format: "der", type: "spki" }));

test("a relay with a certificate is meant by one of its names or by its key, and by nothing else", () => {
  const made = new X509Certificate(PEM);
  const isMe = meantBy(made);
  const pin = pinOfCertificate(made);
  const meant = (url: string): boolean => isMe(audienceOf(relayAddress(url)));
  expect(["https://relay.example", "https://relay.example:7444", "https://127.0.0.1:7444"].map(meant)).toEqual([
    true,
    true,
    true,
  ]);
  expect(["https://evil.example:7444", "https://example:7444", "http://localhost:7444"].map(meant)).toEqual([
    false,
    false,
    false,
  ]);
  expect(meant(`https://any.example:1#${pin}`)).toBe(true);
  expect(meant(`https://relay.example:7444#${"0".repeat(64)}`)).toBe(false);
  for (const text of ["", "relay.example\u0000:1", "a b:1", "relay.example", "relay.example:7444#", `#${pin}`])
    expect(isMe(text), text).toBe(false);
});

test("a relay that speaks plaintext is meant on this machine alone, but by the name that it was given", () => {
  const isMe = meantBy(null, "relay.example");
  expect(["127.0.0.1:7444", "localhost:1", "[::1]:7444", "relay.example:443"].map(isMe)).toEqual([true, true, true, true]);
  expect(["evil.example:7444", "127.0.0.1.evil.example:7444", `127.0.0.1:7444#${"0".repeat(64)}`].map(isMe)).toEqual([
    false,
    false,
    false,
  ]);
});

test("a pass that another relay was shown opens nothing here, whatever its bearer says he has dialled", async () => {
  const scene = await Scene.start();
  const box = await scene.host("box", []);
  const elsewhere = audienceOf(relayAddress("https://evil.example:7444"));
  const stolen = new Host();
  await expect((await scene.dial(stolen, { pass: await box.pass(elsewhere) })).registered()).rejects.toMatchObject({
    code: "unknown_credential",
  });
  expect(scene.relay.lines.entry(box.id)!.line.version).toBe("1.2.3");
  expect(box.end).toBeUndefined();
});
