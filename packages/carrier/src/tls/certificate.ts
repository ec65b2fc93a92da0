/**
 * A certificate as the container that TLS wants a key in. It says nothing: its name, its dates and its signature, by the key itself, are there because
 * the form has places for them. Who trusts a key trusts the key (secure.ts).
 */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  BitString,
  fromBER,
  Integer,
  ObjectIdentifier,
  Sequence,
  Set as AsnSet,
  UTCTime,
  GeneralizedTime,
  Utf8String,
} from "asn1js";

/** RFC 8410. */
const ED25519 = "1.3.101.112";
const COMMON_NAME = "2.5.4.3";
/** RFC 5280 §4.1.2.5: of what has no well-defined end. */
const FIRST = new Date("2020-01-01T00:00:00Z");
const NEVER = new Date("9999-12-31T23:59:59Z");

/** PEM, of an Ed25519 private key. */
export function containerFor(key: KeyObject): string {
  const algorithm = (): Sequence => new Sequence({ value: [new ObjectIdentifier({ value: ED25519 })] });
  const name = (): Sequence => {
    const pair = new Sequence({
      value: [new ObjectIdentifier({ value: COMMON_NAME }), new Utf8String({ value: "holdfast" })],
    });
    return new Sequence({ value: [new AsnSet({ value: [pair] })] });
  };
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const facts = new Sequence({
    value: [
      new Integer({ value: 1 }),
      algorithm(),
      name(),
      new Sequence({ value: [new UTCTime({ valueDate: FIRST }), new GeneralizedTime({ valueDate: NEVER })] }),
      name(),
      fromBER(spki).result,
    ],
  });
  const signature = sign(null, Buffer.from(facts.toBER()), key);
  const whole = new Sequence({ value: [facts, algorithm(), new BitString({ valueHex: Uint8Array.from(signature).buffer })] });
  const lines = Buffer.from(whole.toBER())
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
