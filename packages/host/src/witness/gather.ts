/**
 * What others have kept of a host's chain, brought together for a verification that asks no host: files of heads, and relays.
 *   G1  A head counts if the key of this home has signed it. One that was named and does not is a finding, and not passed over.
 *   G2  To a relay the host's own key says who asks: it is told of this host alone, whether the host runs or not. A copy of a record has no such key.
 */
import { createPublicKey, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { files } from "@holdfast/carrier";
import {
  create,
  fromBinary,
  HeadsRequestSchema,
  HeadsResponseSchema,
  headFrom,
  headWords,
  parseHeads,
  toBinary,
} from "@holdfast/protocol";
import { headBody } from "../journal/format.ts";
import type { Witness } from "../journal/finding.ts";
import { keyFile, keyIdOf, publicKeyFromRaw, rawPublicKey } from "../operator/key.ts";

/** A file or a relay's address, as a person named it or as this machine knows it. */
export interface WitnessSource {
  readonly from: string;
  /** Else it may be missing, and may hold heads of other hosts. */
  readonly isNamed: boolean;
  /** Of a relay: PEM, in place of the system's authorities. */
  readonly ca?: string;
}

export interface TimedWitness extends Witness {
  readonly by: string;
  readonly atUnixMs: number;
}

export interface Gathered {
  readonly witnesses: readonly TimedWitness[];
  /** What was named and is no witness. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

const isAddress = (from: string): boolean => /^[a-z+]+:\/\//i.test(from);

/** The relays that the host of this home dials. */
export function dialledRelays(home: string): WitnessSource[] {
  try {
    const wishes = JSON.parse(readFileSync(files.relays(home), "utf8")) as { readonly url: string; readonly ca: string }[];
    return wishes.map(({ url, ca }) => ({ from: url, isNamed: false, ...(ca === "" ? {} : { ca }) }));
  } catch {
    return [];
  }
}

export async function gather(home: string, sources: readonly WitnessSource[]): Promise<Gathered> {
  const all: Gathered[] = [];
  for (const source of sources) {
    const { from, isNamed } = source;
    const found = isAddress(from) ? atRelay(home, source) : Promise.resolve().then(() => inFile(home, source));
    all.push(
      await found.catch((fault: unknown): Gathered => {
        const text = `${from} can't be asked what it has kept: ${fault instanceof Error ? fault.message : String(fault)}`;
        return { witnesses: [], problems: isNamed ? [text] : [], notes: isNamed ? [] : [text] };
      }),
    );
  }
  return {
    witnesses: all.flatMap((g) => g.witnesses),
    problems: all.flatMap((g) => g.problems),
    notes: all.flatMap((g) => g.notes),
  };
}

/** G1. */
function inFile(home: string, { from, isNamed }: WitnessSource): Gathered {
  if (!isNamed && !existsSync(from)) return { witnesses: [], problems: [], notes: [] };
  const text = readFileSync(from, "utf8");
  const raw = readFileSync(files.hostPublicKey(home));
  const key = publicKeyFromRaw(raw);
  const id = keyIdOf(raw).toString("hex").slice(0, 32);
  const lines = parseHeads(text);
  const own = lines.filter((head) => head.host === id);
  const sound = own.filter((head) => verify(null, headWords("head", raw, head), key, head.signature));
  const witnesses = [...sound.map((head) => ({ ...head, by: from })), ...exported(home, from, text)];
  const forged = own.length - sound.length;
  const problems = [
    ...(forged > 0 && isNamed ? [`${from} holds ${forged} heads that this host's key has not signed`] : []),
    ...(witnesses.length === 0 && forged === 0 && isNamed
      ? [
          lines.length > 0
            ? `${from} holds heads of other hosts (${lines[0]!.host}), and none of this one (${id})`
            : `${from} holds no head`,
        ]
      : []),
  ];
  return { witnesses, problems, notes: [] };
}

/** The first line of `hold audit export`, which the audit key has signed. */
function exported(home: string, by: string, text: string): TimedWitness[] {
  const [first = ""] = text.split("\n", 1);
  if (!first.startsWith('{"kind":"head"')) return [];
  try {
    const { lsn, chain, signature, at } = JSON.parse(first) as Record<"chain" | "signature" | "at", string> & { lsn: number };
    const key: KeyObject = publicKeyFromRaw(readFileSync(files.auditPublicKey(home)));
    const bytes = Buffer.from(chain, "hex");
    const isSound = Number.isSafeInteger(lsn) && lsn > 0 && bytes.length === 32;
    if (!isSound || !verify(null, headBody("head", lsn, bytes), key, Buffer.from(signature, "hex"))) return [];
    return [{ lsn, chain: bytes, by, atUnixMs: Date.parse(at) || 0 }];
  } catch {
    return [];
  }
}

/** G2. */
async function atRelay(home: string, { from, ca }: WitnessSource): Promise<Gathered> {
  if (!existsSync(files.hostKey(home)))
    throw new Error("it tells the host's own key alone, which is not here; pass what `hold audit heads` printed");
  const { audienceOf, relayAddress, RelayClient, signPass } = await import("@holdfast/carrier/grpc");
  const key = keyFile(files.hostKey(home));
  const publicKey = rawPublicKey(key);
  const address = relayAddress(from);
  const relay = await RelayClient.open(address, ca === undefined ? {} : { ca });
  try {
    const pass = await signPass({
      publicKey,
      sign: (words) => sign(null, words, key),
      audience: audienceOf(address),
      nowUnixMs: Date.now(),
      id: randomBytes(12).toString("hex"),
    });
    const host = keyIdOf(publicKey).toString("hex").slice(0, 32);
    const request = Buffer.from(toBinary(HeadsRequestSchema, create(HeadsRequestSchema, { pass, host })));
    const { heads, conflicts } = fromBinary(HeadsResponseSchema, await relay.heads(request));
    const verifier = createPublicKey(key);
    const witnesses = heads.flatMap((wire) => {
      const head = headFrom(wire);
      const isSound = head && verify(null, headWords("head", publicKey, head), verifier, head.signature);
      return isSound ? [{ ...head, by: from }] : [];
    });
    const notes = conflicts.map(
      ({ found, had, told, atUnixMs }) =>
        `${from} noted at ${new Date(Number(atUnixMs)).toISOString()} that the host contradicted record ${had?.lsn ?? 0n} (${found}${told ? `, it told ${told.lsn}` : ""})`,
    );
    return { witnesses, problems: [], notes };
  } finally {
    relay.close();
  }
}
