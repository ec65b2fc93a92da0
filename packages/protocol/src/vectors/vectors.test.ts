/**
 * Golden vectors: the bytes of each message as first released. New ones are added; old ones are never edited, because hosts and
 * clients out there speak them.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ClientBody, decodeClient, decodeHost, encodeClient, encodeHost, type HostBody, transcript } from "../index.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8")) as Record<
  "client" | "host" | "transcript",
  Record<string, string>
>;
/** The cases of a frame's oneof, from the schema. */
function casesOf(message: string): string[] {
  const schema = readFileSync(new URL("../../../../proto/holdfast/v1/link.proto", import.meta.url), "utf8");
  const block = /oneof body \{([^}]*)\}/.exec(schema.slice(schema.indexOf(`message ${message} {`)))?.[1] ?? "";
  return [...block.matchAll(/\w+ (\w+) = \d+;/g)]
    .map((m) => String(m[1]).replace(/_(.)/g, (_, c: string) => c.toUpperCase()))
    .sort();
}

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("every message of a client", () => {
  test.each(Object.entries(vectors.client))("%s reads from its golden bytes and writes the same ones", (name, hex) => {
    const body = decodeClient(bytes(hex));
    expect(body.case).toBe(name.split(":")[0]);
    expect(Buffer.from(encodeClient(body as ClientBody)).toString("hex")).toBe(hex);
  });

  test("has a vector", () => {
    expect([...new Set(Object.keys(vectors.client).map((name) => name.split(":")[0]))].sort()).toEqual(casesOf("ClientFrame"));
  });
});

describe("every message of a host", () => {
  test.each(Object.entries(vectors.host))("%s reads from its golden bytes and writes the same ones", (name, hex) => {
    const body = decodeHost(bytes(hex));
    expect(body.case).toBe(name.split(":")[0]);
    expect(Buffer.from(encodeHost(body as HostBody)).toString("hex")).toBe(hex);
  });

  test("has a vector", () => {
    const without = casesOf("HostFrame").filter((name) => !(name in vectors.host));
    expect(without, "screen is reserved for views that hosts draw").toEqual(["screen"]);
  });
});

test("a transcript is the same bytes on every version, and each side signs another one", () => {
  const run = (x: number) => Uint8Array.from({ length: 32 }, (_, i) => (i * x) & 255);
  const words = { clientNonce: run(3), keyId: run(5), via: "cli", protocol: 1, hostKey: run(9), hostNonce: run(11) };
  for (const side of ["host", "operator"] as const)
    expect(Buffer.from(transcript(side, words)).toString("hex")).toBe(vectors.transcript[side]);
  const token = { handle: run(7).subarray(0, 16), n: 3, secret: run(13) };
  expect(Buffer.from(transcript("resume", { ...words, ...token })).toString("hex")).toBe(vectors.transcript["resume"]);
  expect(vectors.transcript["host"]).not.toBe(vectors.transcript["operator"]);
});

test("a message from a newer peer, with a field that we do not know, is read all the same", () => {
  // field 999, varint 1, after a pong
  const unknown = Uint8Array.of(0xb8, 0x3e, 0x01);
  const pong = bytes(vectors.host["pong"]!);
  const body = decodeHost(Uint8Array.of(...pong, ...unknown));
  expect(body.case).toBe("pong");
});
