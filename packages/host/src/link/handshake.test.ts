/** Who gets through the door: every step of protocol §3, kept and broken. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify, type KeyObject } from "node:crypto";
import type { Link } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import {
  create,
  decodeHost,
  encodeClient,
  HoldError,
  limits,
  RedeemSchema,
  transcript,
  type ClientBody,
  type HostFrame,
  type Init,
  type Redeem,
} from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { Continuity, type GivenToken } from "../operator/continuity.ts";
import { keyIdOf, rawPublicKey } from "../operator/key.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { HOP_BYTES } from "../session/attachment.ts";
import { HostLink } from "./host-link.ts";

const hostKey = generateKeyPairSync("ed25519").privateKey;
const identity = { key: hostKey, publicKey: rawPublicKey(hostKey), id: "h1" };
const pat = generateKeyPairSync("ed25519").privateKey;
const stranger = generateKeyPairSync("ed25519").privateKey;
/** A key of pat's that was revoked alone. */
const lost = generateKeyPairSync("ed25519").privateKey;

function scene(
  revoked = false,
  isProven = false,
  continuity = places(),
  begins: "open" | "hello" = "open",
  {
    isPlain = false,
    isPlainKey = false,
    ...wasOut
  }: { readonly operator?: boolean; readonly key?: boolean; readonly isPlain?: boolean; readonly isPlainKey?: boolean } = {},
) {
  const operator: RegisteredOperator = {
    id: "pat",
    name: "pat",
    kind: "human",
    role: isPlain || isPlainKey ? "admin" : "operator",
    addedUnixMs: 0,
    addedBy: "",
    revoked,
    onBehalfOf: "",
    keys: [],
  };
  const timers: { run: () => void; off: boolean; ms: number }[] = [];
  const said: HostFrame["body"][] = [];
  const ends: string[] = [];
  const revocations = new Set<(o: string) => void>();
  const keyRevocations = new Set<(o: string, keyId: Uint8Array) => void>();
  const uses: string[] = [];
  const refused: string[] = [];
  /** Revoked while something is looked at; set before, of whom a carrier has proven. */
  const out: { operator: boolean; key: boolean | "next time" } = { operator: false, key: false, ...wasOut };
  /** What waits for approval, and who is told of a change. */
  const asked = { requests: [] as unknown[], told: () => {} };
  const host = {
    version: "t",
    ports: {
      newId: () => "l1",
      log: () => {},
      clock: { monoMs: () => MonotonicMs(0), wallMs: () => 2_000_000 },
      wakeAt: (at: number, run: () => void) => {
        const timer = { run, off: false, ms: at };
        timers.push(timer);
        return () => {
          timer.off = true;
        };
      },
    },
    registry: {
      byKeyId: (id: Uint8Array) => {
        if (out.key === true || !keyIdOf(rawPublicKey(pat)).equals(id)) return null;
        if (out.key === "next time") out.key = true;
        return { operator, key: rawPublicKey(pat) };
      },
      byRevokedKeyId: (id: Uint8Array) => (keyIdOf(rawPublicKey(lost)).equals(id) ? { operator, key: rawPublicKey(lost) } : null),
      byName: () => ({ ...operator, revoked: operator.revoked || out.operator }),
      may: () => false,
      isPlain: (id: string, keyId: Uint8Array) => isPlainKey && id === "pat" && keyIdOf(rawPublicKey(pat)).equals(keyId),
    },
    invitations: { byToken: (token: Uint8Array) => (token[0] === 7 ? { isPlain: token[1] === 7 } : null) },
    demand: () => {
      if (operator.revoked) throw new HoldError("revoked", "out");
    },
    continuity,
    refusals: { tell: (kind: string) => void refused.push(kind) },
    keyUses: { used: (_: Uint8Array, via: string) => void uses.push(via) },
    oidc: null,
    onKeyRevoked: (told: (o: string, keyId: Uint8Array) => void) => {
      keyRevocations.add(told);
      return () => keyRevocations.delete(told);
    },
    cameInPlain: ({ id }: RegisteredOperator, via: string) => void uses.push(`${id} in plain, ${via}`),
    gate: {
      approvals: {
        listen: (told: () => void) => {
          asked.told = told;
          return () => {};
        },
        list: () => asked.requests,
      },
    },
    may: () => false,
    onRevoked: (told: (o: string) => void) => {
      revocations.add(told);
      return () => revocations.delete(told);
    },
  } as unknown as Host;
  const link = {
    carrier: "memory",
    isPlain,
    buffered: 0,
    send: (_c: number, m: Uint8Array) => void said.push(decodeHost(m)),
    close: () => void ends.push("close"),
    destroy: () => void ends.push("destroy"),
  } as unknown as Link;
  const bound = new HostLink(
    host,
    identity,
    link,
    isProven
      ? { operator, via: "ssh", client: "t", ...("key" in wasOut ? { provenKey: keyIdOf(rawPublicKey(pat)) } : {}) }
      : null,
    begins,
  );
  const send = (body: ClientBody, channel = 0): void => bound.frame(channel, encodeClient(body));
  return {
    bound,
    link,
    asked,
    said,
    ends,
    timers,
    revocations,
    keyRevocations,
    uses,
    refused,
    out,
    send,
    last: () => said.at(-1)!,
  };
}

/** Places of this host, which may be shown on several links. */
function places(): Continuity {
  const clock = { monoMs: () => MonotonicMs(0), monoNs: () => 0n, wallMs: () => 0 };
  return new Continuity({ ports: { clock, wakeAt: () => () => {}, log: () => {} }, bootId: "b", store: null });
}

const hello = (key: KeyObject, nonce: Uint8Array, more: object = {}): ClientBody => ({
  case: "hello",
  value: {
    minProtocol: 1,
    maxProtocol: 1,
    client: "t",
    via: "cli",
    nonce,
    keyId: createHash("sha256").update(rawPublicKey(key)).digest(),
    ...more,
  },
});

/** Says hello and answers the challenge, with parts of it changed. */
function prove(
  s: ReturnType<typeof scene>,
  o: { key?: KeyObject; signs?: KeyObject; side?: "operator" | "host"; change?: object } = {},
): void {
  const key = o.key ?? pat;
  const nonce = randomBytes(32);
  s.send(hello(key, nonce));
  const c = s.last();
  if (c.case !== "challenge") throw new Error(`no challenge: ${c.case}`);
  const words = {
    clientNonce: nonce,
    keyId: keyIdOf(rawPublicKey(key)),
    via: "cli",
    protocol: c.value.protocol,
    hostKey: c.value.hostKey,
    hostNonce: c.value.nonce,
    ...o.change,
  };
  s.send({ case: "proof", value: { signature: sign(null, transcript(o.side ?? "operator", words), o.signs ?? key) } });
}
const refusal = (s: ReturnType<typeof scene>): string => {
  const last = s.last();
  return last.case === "refused" ? last.value.error!.code : `${last.case}`;
};

test("a link that takes nothing is told of what waits for approval once it has room, as it is then", () => {
  const s = scene();
  prove(s);
  const welcomed = s.said.length;
  const link = s.link as { buffered: number };
  link.buffered = HOP_BYTES;
  for (let n = 1; n <= 1_000; n++) {
    s.asked.requests.push({
      question: null,
      bound: { session: "s1" },
      approval: { phase: { name: "pending" }, actors: ["pat"] },
    });
    s.asked.told();
  }
  expect(s.said.length).toBe(welcomed);
  link.buffered = 0;
  s.bound.drained();
  s.bound.drained();
  expect(s.said.slice(welcomed)).toMatchObject([{ case: "approvals", value: { own: 1_000 } }]);
});

test("an operator who proves its key is welcomed by name, role and rights, and no timer is left", () => {
  const s = scene();
  prove(s);
  expect(s.last()).toMatchObject({ case: "welcome", value: { operator: "pat", role: "operator", link: "l1" } });
  expect(s.bound.operator?.id).toBe("pat");
  expect(s.timers.every((t) => t.off)).toBe(true);
});

test("the host proves itself first, over both nonces", () => {
  const s = scene();
  const nonce = randomBytes(32);
  s.send(hello(pat, nonce));
  const c = s.last();
  if (c.case !== "challenge") throw new Error("no challenge");
  const words = {
    clientNonce: nonce,
    keyId: keyIdOf(rawPublicKey(pat)),
    via: "cli",
    protocol: 1,
    hostKey: c.value.hostKey,
    hostNonce: c.value.nonce,
  };
  expect(verify(null, transcript("host", words), createPublicKey(hostKey), c.value.signature)).toBe(true);
  expect(verify(null, transcript("operator", words), createPublicKey(hostKey), c.value.signature)).toBe(false);
});

test("an unknown key, a wrong signature and a wrong side have one answer, word for word", () => {
  const answers = [
    { key: stranger },
    { signs: stranger },
    { side: "host" as const },
    { change: { via: "web" } },
    { change: { hostNonce: randomBytes(32) } },
    { change: { hostKey: rawPublicKey(stranger) } },
  ].map((o) => {
    const s = scene();
    prove(s, o);
    return JSON.stringify(s.last(), (_k, v: unknown) => (typeof v === "bigint" ? String(v) : v));
  });
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toContain("unknown_credential");
});

test("a proof that was overheard is worth nothing on another link: the host's nonce is new", () => {
  const first = scene();
  const nonce = randomBytes(32);
  first.send(hello(pat, nonce));
  const c = first.last();
  if (c.case !== "challenge") throw new Error("no challenge");
  const proof = sign(
    null,
    transcript("operator", {
      clientNonce: nonce,
      keyId: keyIdOf(rawPublicKey(pat)),
      via: "cli",
      protocol: 1,
      hostKey: c.value.hostKey,
      hostNonce: c.value.nonce,
    }),
    pat,
  );
  const second = scene();
  second.send(hello(pat, nonce));
  second.send({ case: "proof", value: { signature: proof } });
  expect(refusal(second)).toBe("unknown_credential");
});

test("a revoked operator is told so, once its key is proven and not before", () => {
  const s = scene(true);
  prove(s);
  expect(refusal(s)).toBe("revoked");
  const imposter = scene(true);
  prove(imposter, { signs: stranger });
  expect(refusal(imposter)).toBe("unknown_credential");
});

test("who is turned away is told of by what they showed, and by a name only where they have proven it", () => {
  const told = (made: ReturnType<typeof scene>, how: Parameters<typeof prove>[1] = {}): string[] => {
    prove(made, how);
    return made.refused;
  };
  expect(told(scene(), { key: stranger })).toEqual(["unknown_credential over memory"]);
  expect(told(scene(true), { signs: stranger })).toEqual(["unknown_credential over memory"]);
  expect(told(scene(true))).toEqual(["revoked over memory, of pat"]);
  expect(told(scene(), { key: lost })).toEqual(["key_revoked over memory, of pat"]);
  const late = scene();
  prove(late);
  for (const revoked of late.revocations) revoked("pat");
  expect([refusal(late), late.refused]).toEqual(["revoked", []]);
});

test("a revocation ends an open link at once, and leaves nobody listening", () => {
  const s = scene();
  prove(s);
  for (const told of [...s.revocations]) told("somebody-else");
  expect(s.ends).toEqual([]);
  for (const told of [...s.revocations]) told("pat");
  expect(refusal(s)).toBe("revoked");
  expect(s.ends).toEqual(["close"]);
  expect(s.revocations.size).toBe(0);
});

test("a key that was revoked alone is told so once it is proven, and its operator comes in with another", () => {
  const s = scene();
  prove(s, { key: lost });
  expect(refusal(s)).toBe("key_revoked");
  const imposter = scene();
  prove(imposter, { key: lost, signs: stranger });
  expect(refusal(imposter)).toBe("unknown_credential");
  const other = scene();
  prove(other);
  expect(other.last().case).toBe("welcome");
});

test("L7: a link ends with the key that it was proven by, and with no other of its operator", () => {
  const s = scene();
  prove(s);
  expect(s.uses).toEqual(["cli"]);
  for (const told of [...s.keyRevocations]) told("pat", keyIdOf(rawPublicKey(stranger)));
  for (const told of [...s.keyRevocations]) told("ana", keyIdOf(rawPublicKey(pat)));
  expect(s.ends).toEqual([]);
  for (const told of [...s.keyRevocations]) told("pat", keyIdOf(rawPublicKey(pat)));
  expect(refusal(s)).toBe("key_revoked");
  expect(s.keyRevocations.size).toBe(0);
});

test("L7: a link that does not say by which key ends with any of its operator's", () => {
  const s = scene(false, true);
  for (const told of [...s.keyRevocations]) told("pat", keyIdOf(rawPublicKey(stranger)));
  expect(refusal(s)).toBe("key_revoked");
});

test("who asks where to log in at a host that has no issuer is told so, once the key is proven", () => {
  const ask = (signs: KeyObject): string => {
    const s = scene();
    const nonce = randomBytes(32);
    s.send(hello(stranger, nonce));
    const c = s.last();
    if (c.case !== "challenge") throw new Error("no challenge");
    const { protocol, hostKey: key, nonce: hostNonce } = c.value;
    const keyId = keyIdOf(rawPublicKey(stranger));
    const words = { clientNonce: nonce, keyId, via: "cli", protocol, hostKey: key, hostNonce };
    const signature = sign(null, transcript("operator", words), signs);
    s.send({ case: "redeem", value: { publicKey: rawPublicKey(stranger), signature, askLogin: true } });
    return refusal(s);
  };
  expect(ask(stranger)).toBe("unsupported");
  expect(ask(pat)).toBe("unknown_credential");
});

test.each([
  [
    "a proof before a hello",
    (s: ReturnType<typeof scene>) => s.send({ case: "proof", value: { signature: new Uint8Array(64) } }),
  ],
  [
    "a call before the proof",
    (s: ReturnType<typeof scene>) => s.send({ case: "call", value: { id: 1n, verb: { case: "whoami", value: {} } } }),
  ],
  ["an attach before the proof", (s: ReturnType<typeof scene>) => s.send({ case: "attach", value: { session: "x" } }, 1)],
  [
    "two hellos",
    (s: ReturnType<typeof scene>) => {
      s.send(hello(pat, randomBytes(32)));
      s.send(hello(pat, randomBytes(32)));
    },
  ],
  ["a short nonce", (s: ReturnType<typeof scene>) => s.send(hello(pat, randomBytes(31)))],
  ["a short key id", (s: ReturnType<typeof scene>) => s.send(hello(pat, randomBytes(32), { keyId: new Uint8Array(3) }))],
  ["bytes that are no message", (s: ReturnType<typeof scene>) => s.bound.frame(0, Uint8Array.of(255, 255, 255))],
  ["more than 64 KiB", (s: ReturnType<typeof scene>) => s.bound.frame(0, new Uint8Array(limits.preAuthBytes + 1))],
] as const)("%s ends the link as a bad request", (_what, act) => {
  const s = scene();
  act(s);
  expect(refusal(s)).toBe("bad_request");
  expect(s.ends).toEqual(["close"]);
  s.send(hello(pat, randomBytes(32)));
  expect(refusal(s)).toBe("bad_request");
});

test.each([
  [2, 9],
  [0, 0],
])("a client that speaks protocols %i to %i is told both ranges and what mends it", (minProtocol, maxProtocol) => {
  const s = scene();
  s.send(hello(pat, randomBytes(32), { minProtocol, maxProtocol }));
  const last = s.last();
  expect(refusal(s)).toBe("version_mismatch");
  expect(last.case === "refused" && last.value.error!.message).toMatch(/speaks protocol 1 to 1, t \d to \d; .*hold host down/);
});

test("a client that speaks newer protocols too is met at ours", () => {
  const s = scene();
  s.send(hello(pat, randomBytes(32), { minProtocol: 1, maxProtocol: 7 }));
  expect(s.last()).toMatchObject({ case: "challenge", value: { protocol: limits.protocolMax } });
});

test("what a stranger may send is bounded before it is kept, and a frame of full length only follows the proof", () => {
  const s = scene();
  expect(s.bound.maxFrameBytes).toBe(limits.preAuthBytes);
  prove(s, { signs: stranger });
  expect(s.bound.maxFrameBytes).toBeLessThan(limits.preAuthBytes);
  const known = scene();
  prove(known);
  expect(known.bound.maxFrameBytes).toBe(limits.frameBytes);
});

test("who says nothing for five seconds is refused, and who does not close then is closed", () => {
  const s = scene();
  expect(s.timers[0]!.ms).toBe(limits.handshakeMs);
  s.timers[0]!.run();
  expect(refusal(s)).toBe("timed_out");
  expect(s.ends).toEqual(["close"]);
  s.timers.at(-1)!.run();
  expect(s.ends).toEqual(["close", "destroy"]);
});

test("a call's id that is under way already is refused, and the first one is still answered", async () => {
  const s = scene();
  prove(s);
  const call: ClientBody = { case: "call", value: { id: 1n, verb: { case: "whoami", value: {} } } };
  s.send(call);
  s.send(call);
  await new Promise((resolve) => void setImmediate(resolve));
  const answers = s.said.flatMap((b) => (b.case === "answer" ? [b.value.result] : []));
  expect(answers.map((r) => (r.case === "error" ? r.value.code : r.case)).sort()).toEqual(["bad_request", "whoami"]);
});

test("whom a carrier's own protocol has proven goes on without a handshake, and is out like everybody when revoked", () => {
  const s = scene(false, true);
  s.send({ case: "ping", value: { token: 7n } });
  expect(s.last()).toMatchObject({ case: "pong", value: { token: 7n } });
  for (const timer of s.timers) if (!timer.off) timer.run();
  expect(s.ends).toEqual([]);
  for (const told of s.revocations) told("pat");
  expect(s.last().case).toBe("refused");
  expect(s.ends).toEqual(["close"]);
});

describe("a continuity token", () => {
  const place = { attachment: "a1", session: "s1", operator: "pat", keyId: keyIdOf(rawPublicKey(pat)).toString("hex") };

  async function lostPlace(): Promise<{ readonly continuity: Continuity; readonly token: GivenToken }> {
    const continuity = places();
    const token = await new Promise<GivenToken>((resolve) => continuity.begin(place, 60_000, "l0", resolve));
    continuity.lost("a1", "l0");
    return { continuity, token };
  }
  /** Shows the token on a new link; returns what was sent, for showing it again. */
  function resume(s: ReturnType<typeof scene>, token: GivenToken, o: { key?: KeyObject; signs?: KeyObject } = {}): ClientBody {
    const key = o.key ?? pat;
    const nonce = randomBytes(32);
    s.send(hello(key, nonce));
    const c = s.last();
    if (c.case !== "challenge") throw new Error(`no challenge: ${c.case}`);
    const { handle, n, secret } = token;
    const words = {
      clientNonce: nonce,
      keyId: keyIdOf(rawPublicKey(key)),
      via: "cli",
      protocol: c.value.protocol,
      hostKey: c.value.hostKey,
      hostNonce: c.value.nonce,
      ...{ handle, n, secret },
    };
    const signature = sign(null, transcript("resume", words), o.signs ?? key);
    const sent: ClientBody = { case: "resume", value: { handle, n, secret, signature } };
    s.send(sent);
    return sent;
  }

  test("opens a link without a proof, and names the attachment that it takes up", async () => {
    const { continuity, token } = await lostPlace();
    const s = scene(false, false, continuity);
    resume(s, token);
    expect(s.last()).toMatchObject({ case: "welcome", value: { operator: "pat", resumed: "a1" } });
  });

  test("of another's device is of no use to who has stolen it, and its own client comes back", async () => {
    const { continuity, token } = await lostPlace();
    const thief = scene(false, false, continuity);
    resume(thief, token, { key: stranger });
    expect(refusal(thief)).toBe("unknown_credential");
    const forger = scene(false, false, continuity);
    resume(forger, token, { signs: stranger });
    expect(refusal(forger)).toBe("unknown_credential");
    const own = scene(false, false, continuity);
    resume(own, token);
    expect(own.last().case).toBe("welcome");
  });

  test("that was recorded on one link is of no use on another", async () => {
    const { continuity, token } = await lostPlace();
    const recorded = resume(scene(false, false, continuity), token);
    const s = scene(false, false, continuity);
    s.send(hello(pat, randomBytes(32)));
    s.send(recorded);
    expect(refusal(s)).toBe("unknown_credential");
  });

  test("lets no revoked operator in, and is not used up by them", async () => {
    const { continuity, token } = await lostPlace();
    const s = scene(true, false, continuity);
    resume(s, token);
    expect(refusal(s)).toBe("revoked");
  });

  test("whose link ends before it attached is good again at once", async () => {
    const { continuity, token } = await lostPlace();
    const s = scene(false, false, continuity);
    resume(s, token);
    s.bound.closed("broke");
    const again = scene(false, false, continuity);
    resume(again, token);
    expect(again.last().case).toBe("welcome");
  });
});

test.each([
  ["operator", { operator: true }, "revoked"],
  ["key", { key: true }, "key_revoked"],
] as const)(
  "whom a carrier has proven, and whose %s was revoked before its link began, is let do nothing",
  async (_, wasOut, code) => {
    const s = scene(false, true, places(), "open", wasOut);
    s.send({ case: "call", value: { id: 1n, verb: { case: "whoami", value: {} } } });
    await expect.poll(() => s.ends).toEqual(["close"]);
    expect(s.said.map((body) => body.case)).toEqual(["refused"]);
    expect(refusal(s)).toBe(code);
    expect([s.revocations.size, s.keyRevocations.size, s.bound.operator]).toEqual([0, 0, null]);
  },
);

test("whom a carrier vouches for is bidden welcome on a hello without a key; elsewhere such a hello is none", () => {
  const vouched = scene(false, true, places(), "hello");
  vouched.send({
    case: "hello",
    value: { minProtocol: 1, maxProtocol: 1, nonce: randomBytes(32), keyId: new Uint8Array(0), via: "mcp", client: "t" },
  });
  expect(vouched.said.map((body) => body.case)).toEqual(["challenge", "welcome"]);
  expect(vouched.bound.operator?.id).toBe("pat");
  const other = scene();
  other.send({
    case: "hello",
    value: { minProtocol: 1, maxProtocol: 1, nonce: randomBytes(32), keyId: new Uint8Array(0), via: "mcp", client: "t" },
  });
  expect(other.last()).toMatchObject({ case: "refused", value: { error: { code: "bad_request" } } });
});

test("one who is vouched for may prove a key of their own in its place, and a wrong one is nobody's", () => {
  const { send, last } = scene(false, true, places(), "hello");
  send(hello(stranger, randomBytes(32)));
  expect(last().case).toBe("challenge");
  send({ case: "proof", value: { signature: randomBytes(64) } });
  expect(last()).toMatchObject({ case: "refused", value: { error: { code: "unknown_credential" } } });
});

describe("a grant in place of a proof", () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  function grant(more: object = {}, signs = pat): string {
    const kid = keyIdOf(rawPublicKey(pat)).toString("hex");
    const claims = { iss: "pat", aud: identity.id, iat: 2_000, exp: 2_600, jti: "j", cnf: { kid }, ...more };
    const signed = `${part({ alg: "EdDSA", typ: "holdfast-grant+jwt", kid })}.${part(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), signs).toString("base64url")}`;
  }
  /** Resolves when the host has said something to it. */
  async function bear(s: ReturnType<typeof scene>, token: string, key = pat): Promise<void> {
    s.send(hello(key, randomBytes(32)));
    const said = s.said.length;
    s.send({ case: "bear", value: { grant: token } });
    await expect.poll(() => s.said.length).toBeGreaterThan(said);
  }

  test("is welcomed with what it leaves of its operator's rights, and is bound to no key", async () => {
    const s = scene();
    await bear(s, grant({ cap: ["session.observe"] }));
    expect(s.last()).toMatchObject({ case: "welcome", value: { operator: "pat", capabilities: ["session.observe"] } });
    expect(s.bound.operator?.narrowed).toEqual({ session: null, capabilities: ["session.observe"] });
  });

  test("ends its link when it ends, whatever is under way", async () => {
    const s = scene();
    await bear(s, grant());
    const [expiry, ...others] = s.timers.filter((t) => !t.off);
    expect([expiry?.ms, others]).toEqual([630_000, []]);
    expiry!.run();
    expect(refusal(s)).toBe("grant_expired");
    expect(s.bound.operator).toBeNull();
  });

  test.each<[string, () => string, KeyObject, string]>([
    ["signed by another", () => grant({}, stranger), pat, "unknown_credential"],
    ["for another host", () => grant({ aud: "h2" }), pat, "unknown_credential"],
    ["of another key than the hello's", () => grant(), stranger, "unknown_credential"],
    ["that is over", () => grant({ iat: 1_000, exp: 1_600 }), pat, "grant_expired"],
    ["that is nothing of the kind", () => "x", pat, "unknown_credential"],
  ])("%s is refused", async (_, made, key, code) => {
    const s = scene();
    await bear(s, made(), key);
    expect(refusal(s)).toBe(code);
  });

  test.each([
    ["operator", { operator: true }, "revoked"],
    ["key", { key: "next time" }, "key_revoked"],
  ] as const)("whose %s is revoked while it is looked at opens nothing", async (_, out, code) => {
    const s = scene();
    Object.assign(s.out, out);
    await bear(s, grant());
    expect(refusal(s)).toBe(code);
    expect(s.bound.operator).toBeNull();
  });

  test("of a revoked operator is refused, and nothing is read while one is looked at", async () => {
    const out = scene(true);
    await bear(out, grant());
    expect(refusal(out)).toBe("revoked");
    const s = scene();
    s.send(hello(pat, randomBytes(32)));
    s.send({ case: "bear", value: { grant: grant() } });
    s.send({ case: "bear", value: { grant: grant() } });
    expect(refusal(s)).toBe("bad_request");
  });
});

describe("a link that a relay could read and forge", () => {
  const plain = () => scene(false, false, places(), "open", { isPlain: true });

  test("is recorded, and gives an admin no right that would outlast it", () => {
    const s = plain();
    prove(s);
    const last = s.last();
    if (last.case !== "welcome") throw new Error(`no welcome: ${last.case}`);
    expect(s.uses).toContain("pat in plain, cli");
    expect(last.value.capabilities).toContain("session.input");
    for (const right of ["host.admin", "approve", "policy.write", "redact"]) expect(last.value.capabilities).not.toContain(right);
    expect(s.bound.operator?.narrowed).toMatchObject({ isPlain: true, session: null });
  });

  test("takes no login or grant, and no invitation but one for such a page, which the relay could use itself", () => {
    const redeemed = (asked: Init<Redeem>): string => {
      const redeems = plain();
      redeems.send(hello(stranger, randomBytes(32)));
      const secret = { publicKey: rawPublicKey(stranger), signature: randomBytes(64), ...asked };
      redeems.send({ case: "redeem", value: create(RedeemSchema, secret) });
      return refusal(redeems);
    };
    expect(redeemed({ token: Uint8Array.of(7, 0) })).toBe("not_permitted");
    expect(redeemed({ token: new Uint8Array(32) })).toBe("not_permitted");
    expect(redeemed({ token: Uint8Array.of(7, 7), idToken: "a.b.c" })).toBe("not_permitted");
    expect(redeemed({ token: Uint8Array.of(7, 7), askLogin: true })).toBe("not_permitted");
    // Taken as what it is, and refused for the signature alone.
    expect(redeemed({ token: Uint8Array.of(7, 7) })).toBe("unknown_credential");
    const bears = plain();
    bears.send(hello(pat, randomBytes(32)));
    bears.send({ case: "bear", value: { grant: "a.b.c" } });
    expect(refusal(bears)).toBe("not_permitted");
  });
});

test("a key that was made through a relay has no right that would outlast a link, however it comes", () => {
  const s = scene(false, false, places(), "open", { isPlainKey: true });
  prove(s);
  const last = s.last();
  if (last.case !== "welcome") throw new Error(`no welcome: ${last.case}`);
  for (const right of ["host.admin", "approve", "policy.write", "redact"]) expect(last.value.capabilities).not.toContain(right);
  // It is the key that is worth no more; nobody could forge this link.
  expect(s.uses).not.toContain("pat in plain, cli");
});
