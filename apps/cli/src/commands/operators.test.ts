import { describe, expect, test } from "vitest";
import { hold, host } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));
const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};

describe("operators", () => {
  test("add makes a key and gives it a kind and a role", async () => {
    const seen: object[] = [];
    const client = host({
      operatorAdd: async (o) =>
        note(seen, [o], {
          id: "op-bot",
          name: o.name,
          kind: 3,
          role: o.role,
          capabilities: [],
          addedUnixMs: 0n,
          addedBy: "",
          revoked: false,
          keyIds: [],
          keys: [],
          protectedKeyIds: [],
          onBehalfOf: "",
        }) as never,
    });
    const { out } = await hold("operator add bot --kind ai --on-behalf-of ana --json", { client });
    expect(seen[0]).toMatchObject({ name: "bot", kind: 3, role: "operator", onBehalfOf: "ana" });
    expect(JSON.parse(out.text)).toMatchObject({ id: "op-bot", kind: "ai", key: "/keys/bot" });
  });
  test("a key that is made here may be kept by a passphrase, one of elsewhere may be said to be kept; else it is not protected", async () => {
    const seen: { protected?: boolean }[] = [];
    const made: unknown[] = [];
    const client = host({
      operatorAdd: async (o) =>
        note(seen, [o], {
          id: o.name,
          name: o.name,
          kind: 1,
          role: o.role,
          capabilities: [],
          keyIds: [],
          protectedKeyIds: [],
        }) as never,
    });
    const keys = { generate: async (...a: unknown[]) => note(made, [a], { publicKey: new Uint8Array(32), path: "/k" }) };
    const raw = "00".repeat(32);
    await hold("operator add eva --role approver --passphrase", { client, keys, passphrase: "correct horse" });
    await hold(`operator add ben --role approver --public-key ${raw} --protected`, { client, keys });
    await hold("operator add ana", { client, keys });
    expect(seen.map((o) => o.protected)).toEqual([true, true, undefined]);
    expect(made).toEqual([
      ["eva", "correct horse"],
      ["ana", undefined],
    ]);
    for (const line of [`operator add x --public-key ${raw} --passphrase`, "operator add x --protected"])
      expect((await hold(line, { client, keys })).err.text).toContain("[usage]");
    expect(seen.length).toBe(3);
  });
  test("an operator that the host refuses leaves no key behind; one that it may have added keeps it", async () => {
    const discarded: string[] = [];
    const keys = { discard: async (path: string) => void discarded.push(path) };
    for (const code of ["not_permitted", "no_such_operator", "unreachable"])
      await hold("operator add zed --kind ai --on-behalf-of nosuch", {
        client: host({ operatorAdd: refused(code, "no") as never }),
        keys,
      });
    expect(discarded).toEqual(["/keys/zed", "/keys/zed"]);
  });
  test("a key that is there already is not written over", async () => {
    expect((await hold("operator add ana", { client: host({}), keys: { names: async () => ["ana"] } })).code).toBe(2);
  });
});
