/** What an agent is told where a person decides, by the libraries that agent hosts are made of. */
import { writeFileSync } from "node:fs";
import { OperatorKind } from "@holdfast/sdk";
import { connect, files, generateSealedKey } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

const passphrase = "correct horse battery";

test("a call that a person has to approve says so in its time, goes on when it is asked again, and tells of a no and of a change", async () => {
  const w = await world();
  const admin = await w.connect();
  const { publicKey } = await generateSealedKey(w.home, "eva", passphrase);
  await admin.operatorAdd({ name: "eva", kind: OperatorKind.HUMAN, role: "approver", publicKey, protected: true });
  const eva = await connect({ home: w.home, as: "eva", passphrase: async () => passphrase });
  w.atEnd(() => eva.close());
  const pending = () =>
    fact("a request waits", async () => (await eva.approvals.list()).find((a) => a.state === "pending") ?? null);

  const ai = await agent(w, "v2");
  expect((await ai.call("whoami")).told["policy"]).toBeNull();
  const session = (await ai.call("session_open", { name: "work" })).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const text =
    'version = 1\n[ai]\notherwise = "allow"\nrun = "ask"\nexec = "ask"\nkeys = "ask"\nfiles.read = "ask"\nend = "deny"\n[approvals]\nseconds = 300\n';
  writeFileSync(files.policy(w.home), text, { mode: 0o600 });
  await admin.policyReload();

  expect((await ai.call("whoami")).told["policy"]).toContain('run = "ask"');
  const denied = await ai.call("session_kill", { session });
  expect(denied.told).toMatchObject({ refused: true, code: "policy_denied", deed: "end" });

  const command = "echo approved > it && cat it";
  const began = await ai.call("run", { session, command, wait_seconds: 1 });
  expect(began.isError).toBe(true);
  expect(began.told).toMatchObject({ state: "needs_approval", code: "needs_approval", advice: "retry" });
  const request = await pending();
  expect(began.told["approval"]).toBe(request.id);
  const again = ai.call("run", { session, command, wait_seconds: 40 });
  await eva.approvals.allow(request);
  const ran = await again;
  expect(ran.told).toMatchObject({ state: "finished", exit_code: 0 });
  expect(ran.told.output.text).toBe("approved\n");

  const { events } = (await ai.call("log", { session, view: "events" })).told;
  const of = (kind: string) => events.filter((e: { kind: string }) => e.kind === kind);
  expect(of("approval_asked")).toMatchObject([{ approval: request.id, deed: "run" }]);
  expect(of("approval_decided")).toMatchObject([{ approval: request.id, allowed: true, actor: "eva" }]);
  expect(of("approval_over")).toMatchObject([{ approval: request.id, outcome: "used" }]);

  // One question for one file.
  const read = ai.call("file_read", { session, path: "it" });
  await eva.approvals.allow(await pending());
  expect((await read).told).toMatchObject({ content: { text: "approved\n" }, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });

  const beside = ai.call("exec", { session, argv: ["sh", "-c", "echo beside"] });
  await eva.approvals.allow(await pending());
  expect((await beside).told).toMatchObject({ state: "finished", stdout: { text: "beside\n" } });

  const typed = ai.call("send_text", { session, text: "echo no", submit: true });
  await eva.approvals.deny(await pending(), "not now");
  expect((await typed).told).toMatchObject({
    refused: true,
    code: "approval_denied",
    who: "eva",
    message: expect.stringContaining("not now"),
  });

  const stale = ai.call("run", { session, command: "echo stale" });
  await pending();
  await admin.floor(session, "take");
  expect((await stale).told).toMatchObject({ refused: true, code: "approval_void" });
});
