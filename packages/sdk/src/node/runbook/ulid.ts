/** ULIDs, which Runme names sessions and cells by: 48 bits of time and 80 of chance, in Crockford's base 32. */
import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(nowUnixMs: number = Date.now()): string {
  let left = (BigInt(nowUnixMs) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let i = 0; i < 26; i++, left >>= 5n) text = DIGITS[Number(left & 31n)] + text;
  return text;
}
