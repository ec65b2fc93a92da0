import { expect, test } from "vitest";
import { formatInvite, parseInvite } from "./invite-text.ts";

const invite = {
  at: ["wss://box.example:7717", "ssh://ana@box"],
  hostKey: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
  token: Uint8Array.from({ length: 32 }, (_, i) => i * 7),
  session: "build",
};

test("an invitation that was written is read as it was, also when a mail has broken it into lines", () => {
  const text = formatInvite(invite);
  expect(parseInvite(text)).toEqual(invite);
  expect(parseInvite(formatInvite({ ...invite, plain: true }))).toEqual({ ...invite, plain: true });
  expect(parseInvite(`  ${text.replaceAll(/(.{40})/g, "$1\r\n")}\n`)).toEqual(invite);
});

test.each([
  "",
  "hold1.",
  "hold1.AAAA",
  "hold1.%%%",
  formatInvite(invite).slice(0, -8),
  formatInvite({ ...invite, token: new Uint8Array(31) }),
  `hold1.${"A".repeat(5_000)}`,
  `hold1.${btoa("null")}`,
])("%j is no invitation, and is told so", (text) => {
  expect(() => parseInvite(text)).toThrow("that is no invitation");
});
