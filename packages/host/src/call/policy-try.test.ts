import { bytesOf, create, type HoldError, PolicyTryCallSchema, type Init, type PolicyTryCall } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { PolicyStore } from "../policy/store.ts";
import type { CallContext } from "./context.ts";
import { policyTry } from "./policy-try.ts";

const inForce = `version = 1
[ai]
otherwise = "deny"
run = "ask"
exec = "ask"
[[ai.commands]]
starts = ["git", "status"]
rule = "allow"
[[session]]
name = "scratch-*"
run = "allow"
`;

const operators = [
  { id: "op-bot", name: "bot", kind: "ai", role: "operator" },
  { id: "op-eye", name: "eye", kind: "ai", role: "observer" },
  { id: "op-ana", name: "ana", kind: "human", role: "admin" },
];

async function tried(call: Init<PolicyTryCall>, policy: PolicyStore = PolicyStore.of(inForce)) {
  const registry = { byName: (name: string) => operators.find((o) => o.name === name || o.id === name) ?? null };
  const ctx = { host: { policy, registry } } as unknown as CallContext;
  const result = await policyTry(ctx, create(PolicyTryCallSchema, call));
  if (result.case !== "policyTry") throw new Error(`answered ${result.case}`);
  return result.value;
}

const refusal = (call: Init<PolicyTryCall>): Promise<string> =>
  tried(call).then(
    () => "answered",
    (fault: HoldError) => fault.code,
  );

test("what is in force is asked where no text is given, and says where it is said", async () => {
  expect(await tried({ deed: "run", line: "git status -s" })).toMatchObject({
    ruling: "allow",
    because: '[ai] the rule about "git status"',
    isOpaque: false,
  });
  expect(await tried({ deed: "run", line: "git push" })).toMatchObject({ ruling: "ask", because: '[ai] run = "ask"' });
  expect(await tried({ deed: "end" })).toMatchObject({ ruling: "deny", because: "[ai], which says nothing of end" });
  expect(await tried({ deed: "run", line: "git push", ofSession: "scratch-1" })).toMatchObject({ ruling: "allow" });
});

test("a text that is not in force is asked in its place, and nothing of it holds", async () => {
  const store = PolicyStore.of(inForce);
  const text = bytesOf('version = 1\n[ai]\nrun = "deny"\n');
  expect(await tried({ text, deed: "run", line: "ls" }, store)).toMatchObject({ ruling: "deny", because: '[ai] run = "deny"' });
  expect(store.inForce.text).toBe(inForce);
  const wrong = await tried({ text: bytesOf('version = 1\n[ai]\nrun = "perhaps"\n'), deed: "run", line: "ls" });
  expect(wrong).toMatchObject({ problems: [expect.stringContaining("perhaps")], ruling: "" });
});

test("a host on which none was ever loaded says so", async () => {
  expect(await tried({ deed: "keys" }, PolicyStore.open(null))).toMatchObject({
    ruling: "allow",
    because: "no policy was ever loaded",
  });
});

test("a line that a shell could read otherwise is said to be one, and is matched by nothing that allows", async () => {
  expect(await tried({ deed: "run", line: "git status; rm -rf /" })).toMatchObject({ ruling: "ask", isOpaque: true });
});

test("exec is asked by words, or by a line that is plain words", async () => {
  for (const how of [{ argv: ["git", "status"].map(bytesOf) }, { line: "git status" }])
    expect(await tried({ deed: "exec", ...how })).toMatchObject({ ruling: "allow" });
  expect(await tried({ deed: "exec", argv: ["git status"].map(bytesOf) })).toMatchObject({ ruling: "ask" });
});

test("of an AI that is named its role is looked at too", async () => {
  expect(await tried({ deed: "run", line: "git status", operator: "bot" })).toMatchObject({ lacks: "" });
  expect(await tried({ deed: "run", line: "git status", operator: "op-eye" })).toMatchObject({
    ruling: "allow",
    lacks: "session.input",
  });
});

test.each<[Init<PolicyTryCall>, string]>([
  [{ deed: "fly" }, "bad_request"],
  [{ deed: "run" }, "bad_request"],
  [{ deed: "run", argv: [bytesOf("ls")] }, "bad_request"],
  [{ deed: "exec", line: "ls | wc" }, "bad_request"],
  [{ deed: "keys", line: "ls" }, "bad_request"],
  [{ deed: "keys", operator: "ana" }, "bad_request"],
  [{ deed: "keys", operator: "nobody" }, "no_such_operator"],
])("%j is no question: %s", async (call, code) => {
  expect(await refusal(call)).toBe(code);
});
