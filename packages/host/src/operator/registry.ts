/**
 * Operators: who this host knows, by which keys, and what each may do.
 *
 *   O1  An operator is a name, a kind, a role and public keys; it is never a connection.
 *   O2  The first one is the machine's user, an admin; its key is made with the home.
 *   O3  A change is on the disk before it is answered; a revocation holds over restarts and for live links at once.
 *   O4  A revoked operator stays listed, so that the audit can name it; its name is not given again.
 *   O5  A guest has one session, and its rights end at a time of the wall clock.
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
  /** Raw public keys, base64. */
  readonly keys: readonly string[];
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
}

export interface Guest {
  readonly session: string;
  readonly untilUnixMs: number;
}

/** Actors of the record that are nobody: an operator of that name would sign what they do. */
const RESERVED = new Set(["program", "system"]);
const NAME = /^[a-z][a-z0-9._-]{0,31}$/;

export class OperatorRegistry {
  readonly #path: string;
  #operators: RegisteredOperator[];

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

  byKeyId(keyId: Uint8Array): { readonly operator: RegisteredOperator; readonly key: Buffer } | null {
    for (const operator of this.#operators) {
      for (const text of operator.keys) {
        const key = Buffer.from(text, "base64");
        if (keyIdOf(key).equals(keyId)) return { operator, key };
      }
    }
    return null;
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
    publicKey: Uint8Array;
    onBehalfOf: string;
    by: string;
    nowUnixMs: number;
    guest?: Guest;
  }): RegisteredOperator {
    if (!NAME.test(init.name))
      throw new HoldError(
        "bad_request",
        `operator name ${JSON.stringify(init.name)}: lower-case letters, digits, dot, dash and underscore, 32 at most, a letter first`,
      );
    if (RESERVED.has(init.name))
      throw new HoldError("bad_request", `${init.name} is what the record calls something else; choose another name`);
    if (!isRole(init.role))
      throw new HoldError("bad_request", `no role ${JSON.stringify(init.role)}; roles: ${Object.keys(roles).join(", ")}`);
    if (init.kind === "ai" && (init.role === "admin" || init.role === "approver"))
      throw new HoldError("not_permitted", `an AI can't be ${init.role}: give it operator or observer`);
    const known = this.byName(init.name);
    if (known)
      throw new HoldError(
        "name_taken",
        `there is an operator ${init.name} already${known.revoked ? " (revoked; its name stays in the audit)" : ""}; choose another name`,
      );
    this.#checkKey(init.publicKey);
    const operator: RegisteredOperator = {
      id: init.name,
      name: init.name,
      kind: init.kind,
      role: init.role,
      addedUnixMs: init.nowUnixMs,
      addedBy: init.by,
      revoked: false,
      onBehalfOf: init.onBehalfOf,
      keys: [Buffer.from(init.publicKey).toString("base64")],
      ...(init.guest ? { guest: init.guest } : {}),
    };
    this.#store([...this.#operators, operator]);
    return operator;
  }

  hasKey(publicKey: Uint8Array): boolean {
    return this.byKeyId(keyIdOf(publicKey)) !== null;
  }

  /** Another key of the same operator: another device of a person. */
  addKey(name: string, publicKey: Uint8Array): RegisteredOperator {
    const operator = this.byName(name);
    if (!operator || operator.revoked) throw new HoldError("no_such_operator", `no operator ${name} who could have another key`);
    this.#checkKey(publicKey);
    const more = { ...operator, keys: [...operator.keys, Buffer.from(publicKey).toString("base64")] };
    this.#store(this.#operators.map((o) => (o.id === operator.id ? more : o)));
    return more;
  }

  #checkKey(publicKey: Uint8Array): void {
    if (publicKey.length !== 32) throw new HoldError("bad_request", `a public key has 32 bytes, not ${publicKey.length}`);
    if (this.byKeyId(keyIdOf(publicKey))) throw new HoldError("name_taken", "that key belongs to an operator already");
  }

  revoke(name: string): RegisteredOperator {
    const operator = this.byName(name);
    if (!operator) throw new HoldError("no_such_operator", `no operator ${name}; hold operator ls shows who there is`);
    const admins = this.#operators.filter((o) => !o.revoked && o.role === "admin");
    if (admins.length === 1 && admins[0]!.id === operator.id)
      throw new HoldError(
        "not_permitted",
        `${name} is the last admin; add another one first: hold operator add NAME --role admin`,
      );
    const revoked = { ...operator, revoked: true };
    this.#store(this.#operators.map((o) => (o.id === operator.id ? revoked : o)));
    return revoked;
  }

  #store(operators: RegisteredOperator[]): void {
    storeDurably(this.#path, operators);
    this.#operators = operators;
  }
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
