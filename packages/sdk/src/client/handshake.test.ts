import { memoryPair } from "@holdfast/carrier";
import { decodeClient, encodeHost, type ClientFrame, type HostBody } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { shakeHands } from "./handshake.ts";

/** Dials whoever answers with these, in one breath; what it was told is in `heard`. */
function dialling(answers: (body: ClientFrame["body"]) => readonly HostBody[], isHost: boolean, grant?: string) {
  const heard: ClientFrame["body"][] = [];
  const resume = { handle: new Uint8Array(16), n: 1, secret: new Uint8Array(32).fill(7) };
  const shaken = shakeHands(
    {
      dial: async (accept) => {
        const { client } = memoryPair((link) => {
          return {
            frame: (channel, message) => {
              const body = decodeClient(message);
              heard.push(body);
              for (const answer of answers(body)) link.send(channel, encodeHost(answer));
              if (body.case === "resume") link.close();
            },
            closed: () => {},
          };
        }, accept);
        return client;
      },
      credential: grant === undefined ? { keyId: new Uint8Array(32), sign: () => new Uint8Array(64) } : null,
      grant,
      verifier: { verify: () => isHost, randomBytes: (n) => new Uint8Array(n) },
      resume,
      via: "sdk",
      client: "t",
    },
    () => ({ frame: () => {}, closed: () => {} }),
  );
  return { shaken, heard };
}
const challenge: HostBody = {
  case: "challenge",
  value: { protocol: 1, hostKey: new Uint8Array(32), nonce: new Uint8Array(32), signature: new Uint8Array(64), hostId: "h" },
};

test("an impostor is told no secret of a continuity token", async () => {
  const { shaken, heard } = dialling((body) => (body.case === "hello" ? [challenge] : []), false);
  await expect(shaken).rejects.toMatchObject({ code: "host_key_changed" });
  expect(heard.map((b) => b.case)).toEqual(["hello"]);
});

test("a refusal with the link's end right behind it is told as the refusal", async () => {
  const error = { code: "continuity_over", message: "too late", details: {} };
  const { shaken } = dialling((body) => (body.case === "hello" ? [challenge] : [{ case: "refused", value: { error } }]), true);
  await expect(shaken).rejects.toMatchObject({ code: "continuity_over" });
});

test("a grant is told to the host that is meant and to no other, as of the key that signed it", async () => {
  const kid = "07".repeat(32);
  const grant = `${btoa(JSON.stringify({ kid }))}.e30.AA`;
  const impostor = dialling((body) => (body.case === "hello" ? [challenge] : []), false, grant);
  await expect(impostor.shaken).rejects.toMatchObject({ code: "host_key_changed" });
  expect(impostor.heard.map((b) => b.case)).toEqual(["hello"]);
  const welcome: HostBody = { case: "welcome", value: { operator: "ana" } };
  const own = dialling((body) => [body.case === "hello" ? challenge : welcome], true, grant);
  expect((await own.shaken).welcome.operator).toBe("ana");
  expect(own.heard).toMatchObject([
    { case: "hello", value: { keyId: new Uint8Array(32).fill(7) } },
    { case: "bear", value: { grant } },
  ]);
});
