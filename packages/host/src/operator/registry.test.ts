import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { files, folders, makeHome } from "@holdfast/carrier";
import type { OperatorKind } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyFile, keyIdOf, publicKeyFromRaw, rawPublicKey } from "./key.ts";
import { credentialsOf, OperatorRegistry } from "./registry.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "holdfast-home-"));
  makeHome(home);
});
afterEach(() => rmSync(home, { recursive: true }));

let keys = 0;
const add = (
  r: OperatorRegistry,
  name: string,
  role = "operator",
  kind: OperatorKind = "human",
  publicKey: Uint8Array = new Uint8Array(32).fill(++keys),
) => r.add({ name, kind, role, publicKey, onBehalfOf: "", by: "root", nowUnixMs: 5 });
const code = (run: () => unknown): string => {
  try {
    run();
    return "";
  } catch (fault) {
    return fault instanceof HoldError ? fault.code : String(fault);
  }
};

describe("a new home", () => {
  test("knows its machine's user, an admin, by a key that nobody else may read", () => {
    const registry = OperatorRegistry.open(home, 7);
    const [first] = registry.list();
    expect(registry.list()).toHaveLength(1);
    expect(first).toMatchObject({ kind: "human", role: "admin", addedUnixMs: 7, addedBy: "system:host", revoked: false });
    const path = join(folders.keys(home), `${first!.name}.key`);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(files.operators(home)).mode & 0o077).toBe(0);
    expect(readFileSync(files.defaultKey(home), "utf8").trim()).toBe(first!.name);
    expect(registry.byKeyId(keyIdOf(rawPublicKey(keyFile(path))))?.operator).toEqual(first);
  });

  test("is not made anew at the next start", () => {
    const first = OperatorRegistry.open(home, 7).list();
    expect(OperatorRegistry.open(home, 99).list()).toEqual(first);
  });
});

test("who was added and who was revoked is so after a restart; the name stays taken and listed", () => {
  const registry = OperatorRegistry.open(home, 0);
  add(registry, "ana");
  add(registry, "ben");
  registry.revoke("ben");
  const again = OperatorRegistry.open(home, 0);
  expect(again.may("ana", "session.input")).toBe(true);
  expect(again.byName("ben")).toMatchObject({ revoked: true });
  expect(again.may("ben", "session.observe")).toBe(false);
  expect(code(() => add(again, "ben"))).toBe("name_taken");
  expect(readdirSync(home).filter((n) => n.startsWith("operators"))).toEqual(["operators.json"]);
});

test("a change that could not be written is not believed", () => {
  const registry = OperatorRegistry.open(home, 0);
  add(registry, "ana");
  rmSync(home, { recursive: true });
  expect(() => registry.revoke("ana")).toThrow();
  expect(registry.byName("ana")?.revoked).toBe(false);
  makeHome(home);
});

test("a file that can't be read lets nobody in, and is left as it is", () => {
  OperatorRegistry.open(home, 0);
  for (const text of ["", "{", "{}", '[{"id":1}]']) {
    writeFileSync(files.operators(home), text);
    expect(() => OperatorRegistry.open(home, 0)).toThrow(/operators\.json can't be read/);
    expect(readFileSync(files.operators(home), "utf8")).toBe(text);
  }
});

test.each(["", "Ana", "1st", "a b", "../x", "a".repeat(33), "système"])("the name %j is refused", (name) => {
  expect(code(() => add(OperatorRegistry.open(home, 0), name))).toBe("bad_request");
});

test("no role that is not known, no key that is none, and no key twice, not even of somebody who was revoked", () => {
  const registry = OperatorRegistry.open(home, 0);
  expect(code(() => add(registry, "ana", "king"))).toBe("bad_request");
  expect(code(() => add(registry, "ana", "toString"))).toBe("bad_request");
  expect(code(() => add(registry, "ana", "operator", "human", new Uint8Array(31)))).toBe("bad_request");
  const key = new Uint8Array(32).fill(200);
  add(registry, "ana", "operator", "human", key);
  registry.revoke("ana");
  expect(code(() => add(registry, "ben", "operator", "human", key))).toBe("name_taken");
});

test.each(["admin", "approver"])("an AI can't be %s", (role) => {
  expect(code(() => add(OperatorRegistry.open(home, 0), "bot", role, "ai"))).toBe("not_permitted");
});

test("an AI with every role it may have neither approves, nor changes policy, nor pauses AIs", () => {
  const registry = OperatorRegistry.open(home, 0);
  for (const role of ["observer", "operator", "auditor"]) {
    add(registry, `bot-${role}`, role, "ai");
    for (const right of ["approve", "policy.write", "floor.pause_ai"] as const)
      expect(registry.may(`bot-${role}`, right)).toBe(false);
  }
});

test("the last admin stays; with another one the first may go", () => {
  const registry = OperatorRegistry.open(home, 0);
  const first = registry.list()[0]!.name;
  expect(code(() => registry.revoke(first))).toBe("not_permitted");
  add(registry, "ana", "admin");
  registry.revoke(first);
  expect(code(() => registry.revoke("ana"))).toBe("not_permitted");
});

test("O9: a person who is revoked takes the AIs along that act for them, over a restart, and nobody acts for them from then on", () => {
  const registry = OperatorRegistry.open(home, 0);
  add(registry, "ana");
  add(registry, "ben");
  const ai = (name: string, onBehalfOf: string): unknown =>
    registry.add({
      ...{ name, kind: "ai", role: "operator", publicKey: new Uint8Array(32).fill(name.length + 100), by: onBehalfOf },
      ...{ onBehalfOf, nowUnixMs: 0 },
    });
  ai("ana-ai", "ana");
  ai("ben-ai-2", "ben");
  expect(registry.revoke("ana").map((o) => o.id)).toEqual(["ana", "ana-ai"]);
  for (const known of [registry, OperatorRegistry.open(home, 0)])
    expect(known.list().flatMap((o) => (o.revoked ? [o.id] : []))).toEqual(["ana", "ana-ai"]);
  expect(code(() => ai("ana-ai-the-third", "ana"))).toBe("no_such_operator");
  expect(code(() => ai("nobodys-ai", "nobody"))).toBe("no_such_operator");
  expect(registry.revoke("ben-ai-2").map((o) => o.id)).toEqual(["ben-ai-2"]);
  expect(registry.byName("ben")?.revoked).toBe(false);
});

test("somebody who is not known has no right, and can't be revoked", () => {
  const registry = OperatorRegistry.open(home, 0);
  expect(registry.may("nobody", "session.observe")).toBe(false);
  expect(registry.byKeyId(new Uint8Array(32))).toBeNull();
  expect(code(() => registry.revoke("nobody"))).toBe("no_such_operator");
});

describe("O6: a key", () => {
  const first = new Uint8Array(32).fill(201);
  const second = new Uint8Array(32).fill(202);
  const idOf = (key: Uint8Array): string => keyIdOf(key).toString("hex");
  const withTwo = (role = "operator"): OperatorRegistry => {
    const registry = OperatorRegistry.open(home, 0);
    add(registry, "ana", role, "human", first);
    registry.addKey("ana", second, { by: "ben", nowUnixMs: 9 });
    return registry;
  };

  test("that came later is told of with who added it, and the first with its operator's", () => {
    withTwo();
    expect(credentialsOf(OperatorRegistry.open(home, 0).byName("ana")!)).toEqual([
      { key: Buffer.from(first).toString("base64"), addedUnixMs: 5, addedBy: "root" },
      { key: Buffer.from(second).toString("base64"), addedUnixMs: 9, addedBy: "ben" },
    ]);
  });

  test("that is revoked alone lets in no more, over a restart, and is nobody's again; the other one lets in", () => {
    withTwo().revokeKey("ana", idOf(first).slice(0, 8), 11);
    const again = OperatorRegistry.open(home, 0);
    expect(again.byKeyId(keyIdOf(first))).toBeNull();
    expect(again.byRevokedKeyId(keyIdOf(first))?.operator.id).toBe("ana");
    expect(again.byKeyId(keyIdOf(second))?.operator).toMatchObject({ id: "ana", revoked: false });
    expect(credentialsOf(again.byName("ana")!)[0]).toMatchObject({ revokedUnixMs: 11, addedBy: "root" });
    expect(again.hasKey(first)).toBe(true);
    expect(code(() => again.addKey("ana", first, { by: "ana", nowUnixMs: 12 }))).toBe("name_taken");
    expect(code(() => add(again, "eve", "operator", "human", first))).toBe("name_taken");
    again.revokeKey("ana", idOf(first), 99);
    expect(credentialsOf(again.byName("ana")!)[0]).toMatchObject({ revokedUnixMs: 11 });
  });

  test("is named by eight digits at least, and by what is its alone", () => {
    const registry = withTwo();
    for (const id of ["", idOf(first).slice(0, 7), "zzzzzzzz", idOf(new Uint8Array(32))])
      expect(code(() => registry.revokeKey("ana", id, 1))).toBe("bad_request");
    expect(code(() => registry.revokeKey("nobody", idOf(first), 1))).toBe("no_such_operator");
  });

  test("the last one of the last admin stays", () => {
    const registry = withTwo("admin");
    registry.revoke(registry.list()[0]!.name);
    registry.revokeKey("ana", idOf(first), 1);
    expect(code(() => registry.revokeKey("ana", idOf(second), 1))).toBe("not_permitted");
  });
});

describe("O7: a login", () => {
  const oidc = { issuer: "https://login.example", subject: "sub-1" };
  const person = (registry: OperatorRegistry, name: string, more: object = {}) =>
    registry.add({
      name,
      kind: "human",
      role: "operator",
      publicKey: null,
      onBehalfOf: "",
      by: "root",
      nowUnixMs: 5,
      oidc,
      ...more,
    });

  test("is one operator's, by issuer and subject, over a restart and a revocation", () => {
    person(OperatorRegistry.open(home, 0), "ana");
    const again = OperatorRegistry.open(home, 0);
    expect(again.byOidc(oidc)).toMatchObject({ id: "ana", keys: [] });
    expect(again.byOidc({ ...oidc, issuer: "https://login.example/" })).toBeNull();
    again.revoke("ana");
    expect(code(() => person(again, "eve"))).toBe("name_taken");
    person(again, "eve", { oidc: { ...oidc, subject: "sub-2" } });
  });

  test("is no AI's and no service's, and no subject is empty or has blanks", () => {
    const registry = OperatorRegistry.open(home, 0);
    for (const kind of ["ai", "service"]) expect(code(() => person(registry, "bot", { kind }))).toBe("bad_request");
    for (const subject of ["", "a b", "x".repeat(256), "a\n"])
      expect(code(() => person(registry, "ana", { oidc: { ...oidc, subject } }))).toBe("bad_request");
  });

  test("can be linked to somebody who is here, to one at a time, and taken away", () => {
    const registry = OperatorRegistry.open(home, 0);
    add(registry, "ana");
    add(registry, "ben");
    registry.link("ana", oidc);
    registry.link("ana", oidc);
    expect(code(() => registry.link("ben", oidc))).toBe("name_taken");
    registry.link("ana", null);
    registry.link("ben", oidc);
    expect(OperatorRegistry.open(home, 0).byOidc(oidc)?.id).toBe("ben");
  });
});

test("a key is made once, whole, and its raw form gives the same public key", () => {
  const path = join(home, "x.key");
  writeFileSync(`${path}.new`, "half of one that a crash left");
  const made = keyFile(path);
  expect(existsSync(`${path}.new`)).toBe(false);
  expect(rawPublicKey(keyFile(path))).toEqual(rawPublicKey(made));
  expect(rawPublicKey(made)).toHaveLength(32);
  expect(publicKeyFromRaw(rawPublicKey(made)).asymmetricKeyType).toBe("ed25519");
});
