/**
 * Operators: who this host knows, by which keys, and what each may do.
 *
 *   O1  An operator is a name, a kind, a role and public keys; it is never a connection.
 *   O2  The first one is the machine's user, an admin; its key is made with the home.
 *   O3  A change is on the disk before it is answered; a revocation holds over restarts and for live links at once.
 *   O4  A revoked operator stays listed, so that the audit can name it; its name is not given again.
 *   O5  A guest has one session, and its rights end at a time of the wall clock.
 *   O6  A key is one operator's for ever: one that was revoked alone is let in no more, under any name.
 *   O7  A login somewhere else is known by its issuer and subject, never by an address, and is one operator's.
 *   O8  Whether a key is protected (no program of its holder's user signs with it unasked) is what who added it said. Only such a
 *       key approves.
 *   O9  An AI that acts on somebody's behalf is out when they are: its key is theirs to keep, and would be their way back in.
 *   O10 A plain key is one that a relay could have had a hand in, as it served or could read the page that made it: wherever it is shown, it has what
 *       such a page's link has (rights R4).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { files, folders } from "@holdfast/carrier";
import { capabilitiesOf, isRole, roles, type Capability, type Operator, type OperatorKind } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import { keyFile, keyIdOf, rawPublicKey } from "./key.ts";
import { storeDurably } from "./store.ts";

export interface RegisteredOperator extends Operator {
  readonly role: string;
  readonly addedUnixMs: number;
  readonly addedBy: string;
  readonly revoked: boolean;
  readonly onBehalfOf: string;
  /** Raw public keys that let in, base64. */
  readonly keys: readonly string[];
  /** Of keys that came later than their operator, and of those that were revoked; {@link credentialsOf} has all. */
  readonly credentials?: readonly Credential[];
  /** O7. */
  readonly oidc?: OidcSubject;
  /** O8: those of {@link keys}. */
  readonly protectedKeys?: readonly string[];
  /** O10: those of {@link keys}. */
  readonly plainKeys?: readonly string[];
  /** O5. Of a guest: the one session that there is for them, and when that is over. */
  readonly guest?: Guest;
  /** What a grant leaves of these rights to whoever bears it (grant.ts): never stored, and nothing that others see of the operator. */
  readonly narrowed?: Narrowed;
}

export interface Narrowed {
  /** Null: every session. */
  readonly session: string | null;
  /** Null: all that the operator has. */
  readonly capabilities: readonly Capability[] | null;
  /** By the link that it came by, or by its key (O10), and no grant (rights R4). */
  readonly isPlain?: boolean;
}

export interface Credential {
  /** Raw public key, base64. */
  readonly key: string;
  readonly addedUnixMs: number;
  readonly addedBy: string;
  /** It is no more one of `keys` then. */
  readonly revokedUnixMs?: number;
}

export interface OidcSubject {
  readonly issuer: string;
  readonly subject: string;
}

/** Every key of an operator, those too that are let in no more, oldest first. */
export function credentialsOf({ keys, credentials = [], addedUnixMs, addedBy }: RegisteredOperator): readonly Credential[] {
  const first = keys.filter((key) => !credentials.some((c) => c.key === key)).map((key) => ({ key, addedUnixMs, addedBy }));
  return [...first, ...credentials];
}

export interface Guest {
  readonly session: string;
  readonly untilUnixMs: number;
}

/** Actors of the record that are nobody: an operator of that name would sign what they do. */
const RESERVED = new Set(["program", "system"]);
const NAME = /^[a-z][a-z0-9._-]{0,31}$/;
/** Of a key's id, hex: fewer digits name too many. */
const LEAST_ID_CHARS = 8;
const MAX_SUBJECT_CHARS = 255;

export class OperatorRegistry {
  readonly #path: string;
  #operators: RegisteredOperator[];
  /** Told after each change. */
  onChange: () => void = () => {};

  private constructor(path: string, operators: RegisteredOperator[]) {
    this.#path = path;
    this.#operators = operators;
  }

  /** Reads the registry; in a new home makes the machine user's key and writes the first admin (O2). */
  static open(home: string, nowUnixMs: number): OperatorRegistry {
    const path = files.operators(home);
    if (existsSync(path)) return new OperatorRegistry(path, read(path));
    const name = userName();
    const key = rawPublicKey(keyFile(join(folders.keys(home), `${name}.key`)));
    writeFileSync(files.defaultKey(home), `${name}\n`, { mode: 0o600 });
    const registry = new OperatorRegistry(path, []);
    registry.#store([
      {
        id: name,
        name,
        kind: "human",
        role: "admin",
        addedUnixMs: nowUnixMs,
        addedBy: "system:host",
        revoked: false,
        onBehalfOf: "",
        keys: [key.toString("base64")],
      },
    ]);
    return registry;
  }

  list(): readonly RegisteredOperator[] {
    return this.#operators;
  }

  byName(name: string): RegisteredOperator | null {
    return this.#operators.find((o) => o.id === name || o.name === name) ?? null;
  }

  /** Whose key it is, if it lets in. */
  byKeyId(keyId: Uint8Array): FoundKey | null {
    return this.#find(keyId, (o) => o.keys);
  }

  /** Whose key it was before it was revoked alone (O6). */
  byRevokedKeyId(keyId: Uint8Array): FoundKey | null {
    return this.#find(keyId, (o) => (o.credentials ?? []).filter((c) => c.revokedUnixMs !== undefined).map((c) => c.key));
  }

  #find(keyId: Uint8Array, keysOf: (operator: RegisteredOperator) => readonly string[]): FoundKey | null {
    for (const operator of this.#operators) {
      for (const text of keysOf(operator)) {
        const key = Buffer.from(text, "base64");
        if (keyIdOf(key).equals(keyId)) return { operator, key };
      }
    }
    return null;
  }

  /** O7. */
  byOidc({ issuer, subject }: OidcSubject): RegisteredOperator | null {
    return this.#operators.find((o) => o.oidc?.issuer === issuer && o.oidc.subject === subject) ?? null;
  }

  /** Checked on every changing frame, against what the registry says now. */
  may(id: string, capability: Capability): boolean {
    const operator = this.byName(id);
    return operator !== null && !operator.revoked && capabilitiesOf(operator.role, operator.kind).includes(capability);
  }

  add(init: {
    name: string;
    kind: OperatorKind;
    role: string;
    /** Null: there is none yet, and who comes logs in (`oidc`). */
    publicKey: Uint8Array | null;
    onBehalfOf: string;
    by: string;
    nowUnixMs: number;
    guest?: Guest;
    oidc?: OidcSubject;
    /** O8. Default false. */
    isProtected?: boolean;
    /** O10. Default false. */
    isPlain?: boolean;
  }): RegisteredOperator {
    this.checkNewcomer(init);
    this.checkActsFor(init);
    if (init.publicKey) this.#checkKey(init.publicKey);
    if (init.oidc) this.#checkSubject(init.oidc, init.kind);
    const keys = init.publicKey ? [Buffer.from(init.publicKey).toString("base64")] : [];
    const operator: RegisteredOperator = {
      id: init.name,
      name: init.name,
      kind: init.kind,
      role: init.role,
      addedUnixMs: init.nowUnixMs,
      addedBy: init.by,
      revoked: false,
      onBehalfOf: init.onBehalfOf,
      keys,
      ...(init.isProtected ? { protectedKeys: keys } : {}),
      ...(init.isPlain ? { plainKeys: keys } : {}),
      ...(init.guest ? { guest: init.guest } : {}),
      ...(init.oidc ? { oidc: init.oidc } : {}),
    };
    this.#store([...this.#operators, operator]);
    return operator;
  }

  /** Throws where nobody may be added by this name, of this kind, with this role. */
  checkNewcomer({ name, kind, role }: Pick<RegisteredOperator, "name" | "kind" | "role">): void {
    if (!NAME.test(name))
      throw new HoldError(
        "bad_request",
        `operator name ${JSON.stringify(name)}: lower-case letters, digits, dot, dash and underscore, 32 at most, a letter first`,
      );
    if (RESERVED.has(name))
      throw new HoldError("bad_request", `${name} is what the record calls something else; choose another name`);
    this.checkRole(kind, role);
    const known = this.byName(name);
    if (known)
      throw new HoldError(
        "name_taken",
        `there is an operator ${name} already${known.revoked ? " (revoked; its name stays in the audit)" : ""}; choose another name`,
      );
  }

  /** O9. Throws where there is nobody on whose behalf this one could act. */
  checkActsFor({ kind, onBehalfOf }: Pick<RegisteredOperator, "kind" | "onBehalfOf">): void {
    if (onBehalfOf === "") return;
    if (kind !== "ai") throw new HoldError("bad_request", "an AI acts on behalf of a person, and nobody else does");
    const person = this.byName(onBehalfOf);
    if (person?.kind !== "human" || person.revoked)
      throw new HoldError(
        "no_such_operator",
        `no person ${JSON.stringify(onBehalfOf.slice(0, 64))} to act on behalf of; hold operator ls shows who there is`,
      );
  }

  checkRole(kind: OperatorKind, role: string): void {
    if (!isRole(role))
      throw new HoldError("bad_request", `no role ${JSON.stringify(role)}; roles: ${Object.keys(roles).join(", ")}`);
    if (kind === "ai" && (role === "admin" || role === "approver"))
      throw new HoldError("not_permitted", `an AI can't be ${role}: give it operator or observer`);
  }

  hasKey(publicKey: Uint8Array): boolean {
    const id = keyIdOf(publicKey);
    return this.byKeyId(id) !== null || this.byRevokedKeyId(id) !== null;
  }

  /** O8. `keyId`: hex. */
  isProtected(id: string, keyId: string): boolean {
    const { keys = [], protectedKeys = [] } = this.byName(id) ?? {};
    return keys.some((key) => protectedKeys.includes(key) && keyIdOf(Buffer.from(key, "base64")).toString("hex") === keyId);
  }

  /** O10. `keyId`: SHA-256 of the raw key. */
  isPlain(id: string, keyId: Uint8Array): boolean {
    return (this.byName(id)?.plainKeys ?? []).some((key) => keyIdOf(Buffer.from(key, "base64")).equals(keyId));
  }

  /** Another key of the same operator: another device of a person. */
  addKey(
    name: string,
    publicKey: Uint8Array,
    init: { by: string; nowUnixMs: number; isProtected?: boolean; isPlain?: boolean },
  ): RegisteredOperator {
    const { by, nowUnixMs, isProtected = false, isPlain = false } = init;
    const operator = this.#present(name);
    this.#checkKey(publicKey);
    const key = Buffer.from(publicKey).toString("base64");
    return this.#change(operator, {
      keys: [...operator.keys, key],
      credentials: [...(operator.credentials ?? []), { key, addedUnixMs: nowUnixMs, addedBy: by }],
      ...(isProtected ? { protectedKeys: [...(operator.protectedKeys ?? []), key] } : {}),
      ...(isPlain ? { plainKeys: [...(operator.plainKeys ?? []), key] } : {}),
    });
  }

  /** O6. `id`: of the key in hex, or what that begins with. Resolves what was revoked already to itself. */
  revokeKey(name: string, id: string, nowUnixMs: number): { readonly operator: RegisteredOperator; readonly keyId: Buffer } {
    const operator = this.#known(name);
    const { key, revokedUnixMs } = keyNamed(operator, id);
    const keyId = keyIdOf(Buffer.from(key, "base64"));
    if (revokedUnixMs !== undefined) return { operator, keyId };
    if (operator.keys.length === 1 && this.#isLastAdmin(operator))
      throw new HoldError(
        "not_permitted",
        `it is the only key of ${name}, the last admin; enrol another one first: hold operator invite --device`,
      );
    const revoked = this.#change(operator, {
      keys: operator.keys.filter((k) => k !== key),
      credentials: credentialsOf(operator).map((c) => (c.key === key ? { ...c, revokedUnixMs: nowUnixMs } : c)),
    });
    return { operator: revoked, keyId };
  }

  /** Null: with no login any more. Keys that logins have enrolled stay. */
  link(name: string, oidc: OidcSubject | null): RegisteredOperator {
    const operator = this.#present(name);
    if (oidc) this.#checkSubject(oidc, operator.kind, operator.id);
    const { oidc: _, ...without } = operator;
    return this.#put(oidc ? { ...without, oidc } : without);
  }

  #checkKey(publicKey: Uint8Array): void {
    if (publicKey.length !== 32) throw new HoldError("bad_request", `a public key has 32 bytes, not ${publicKey.length}`);
    if (this.hasKey(publicKey)) throw new HoldError("name_taken", "that key belongs to an operator already");
  }

  /** O7. */
  #checkSubject(oidc: OidcSubject, kind: OperatorKind, of = ""): void {
    if (kind !== "human") throw new HoldError("bad_request", "people log in; a service or an AI has a key");
    const { subject } = oidc;
    if (subject === "" || subject.length > MAX_SUBJECT_CHARS || /[^\x21-\x7e]/.test(subject))
      throw new HoldError(
        "bad_request",
        `${JSON.stringify(subject.slice(0, 64))} is no subject: what the issuer calls a person, ${MAX_SUBJECT_CHARS} characters at most, no blanks`,
      );
    const known = this.byOidc(oidc);
    if (known && known.id !== of)
      throw new HoldError("name_taken", `that login is ${known.name}'s${known.revoked ? ", who was revoked" : ""}`, {
        operator: known.id,
      });
  }

  /** Returns all who are out by it (O9), the one that was named first. */
  revoke(name: string): readonly RegisteredOperator[] {
    const operator = this.#known(name);
    if (this.#isLastAdmin(operator))
      throw new HoldError(
        "not_permitted",
        `${name} is the last admin; add another one first: hold operator add NAME --role admin`,
      );
    const actsForThem = this.#operators.filter((o) => o.onBehalfOf === operator.id && !o.revoked);
    const out = [operator, ...actsForThem].map((o) => ({ ...o, revoked: true }));
    this.#store(this.#operators.map((o) => out.find(({ id }) => id === o.id) ?? o));
    return out;
  }

  #isLastAdmin(operator: RegisteredOperator): boolean {
    return !this.#operators.some((o) => !o.revoked && o.role === "admin" && o.id !== operator.id) && operator.role === "admin";
  }

  #known(name: string): RegisteredOperator {
    const operator = this.byName(name);
    if (!operator)
      throw new HoldError(
        "no_such_operator",
        `no operator ${JSON.stringify(name.slice(0, 64))}; hold operator ls shows who there is`,
      );
    return operator;
  }

  #present(name: string): RegisteredOperator {
    const operator = this.#known(name);
    if (operator.revoked)
      throw new HoldError("no_such_operator", `operator ${operator.name} was revoked`, { operator: operator.id });
    return operator;
  }

  #change(operator: RegisteredOperator, change: Partial<RegisteredOperator>): RegisteredOperator {
    return this.#put({ ...operator, ...change });
  }

  #put(operator: RegisteredOperator): RegisteredOperator {
    this.#store(this.#operators.map((o) => (o.id === operator.id ? operator : o)));
    return operator;
  }

  #store(operators: RegisteredOperator[]): void {
    storeDurably(this.#path, operators);
    this.#operators = operators;
    this.onChange();
  }
}

export interface FoundKey {
  readonly operator: RegisteredOperator;
  /** Raw. */
  readonly key: Buffer;
}

function keyNamed(operator: RegisteredOperator, id: string): Credential {
  const wanted = id.toLowerCase();
  const found =
    /^[0-9a-f]+$/.test(wanted) && wanted.length >= LEAST_ID_CHARS
      ? credentialsOf(operator).filter((c) => keyIdOf(Buffer.from(c.key, "base64")).toString("hex").startsWith(wanted))
      : [];
  if (found.length !== 1)
    throw new HoldError(
      "bad_request",
      `${found.length === 0 ? "no key" : "more than one key"} of ${operator.name} has an id that begins with ${JSON.stringify(id.slice(0, 64))} (${LEAST_ID_CHARS} hex digits at least); hold operator show ${operator.name} lists them`,
    );
  return found[0]!;
}

function read(path: string): RegisteredOperator[] {
  try {
    const operators = JSON.parse(readFileSync(path, "utf8")) as RegisteredOperator[];
    if (!Array.isArray(operators) || operators.some((o) => typeof o.id !== "string" || !Array.isArray(o.keys)))
      throw new Error("it holds no list of operators");
    return operators;
  } catch (cause) {
    throw new HoldError(
      "internal",
      `${path} can't be read (${(cause as Error).message}); nobody is let in until it is put right, or put aside: a new one then has this machine's user only`,
      {},
      { cause },
    );
  }
}

function userName(): string {
  let name = "user";
  try {
    name = userInfo()
      .username.toLowerCase()
      .replaceAll(/[^a-z0-9._-]/g, "-");
  } catch {
    // A uid without a name: containers do that.
  }
  return NAME.test(name) ? name : "user";
}
