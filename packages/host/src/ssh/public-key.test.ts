import { expect, test } from "vitest";
import { rawKeyOf } from "./public-key.ts";

test("the raw key is found in what ssh has of it, and in nothing else", () => {
  const raw = Uint8Array.from({ length: 32 }, (_, i) => i);
  // `ssh-keygen -y` of the key with this public half.
  const blob = Buffer.from("AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", "base64");
  expect(rawKeyOf(blob)).toEqual(raw);
  const rsa = Uint8Array.from(blob);
  rsa[6] = "r".charCodeAt(0);
  for (const other of [blob.subarray(1), blob.subarray(0, -1), Uint8Array.of(...blob, 0), new Uint8Array(0), rsa])
    expect(rawKeyOf(other)).toBeNull();
});
