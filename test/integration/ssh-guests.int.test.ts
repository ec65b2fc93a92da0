/** Guests of one session (hold share) who come with stock ssh clients, by a key that an admin adds to the one they joined with. */
import { readFileSync } from "node:fs";
import { connectUnix } from "@holdfast/carrier";
import { openSshPublicKey } from "@holdfast/sdk";
import { files, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { SshUser } from "./world/ssh.ts";
import { record, refusal, type World, world } from "./world/world.ts";

/** Takes up an invitation to `shared`, and makes a key of ssh's the guest's too. */
async function guest(w: World, url: string, name: string, role: "observer" | "operator") {
  const admin = await w.connect();
  const invited = await admin.invite({ session: "shared", role, ttlMs: 3_600_000, name });
  const dial = (accept: Parameters<typeof connectUnix>[1]) => connectUnix(files.socket(w.home), accept);
  await joinHost({ home: w.home, dial, hostKey: invited.hostKey, token: invited.token, name });
  const user = SshUser.stranger(w, url, name);
  const publicKey = openSshPublicKey(readFileSync(`${user.key}.pub`, "utf8"));
  // Guests have no say here but in their session.
  expect(await refusal((await w.connect(name)).keyAdd(name, publicKey))).toBe("not_permitted");
  await admin.keyAdd(name, publicKey);
  return { user, invitation: invited.invitation.id };
}

test("two guests over ssh share one session: one types, one watches, each under their name, and neither finds another session", async () => {
  const w = await world({ starts: false });
  const url = await w.listenSsh();
  const admin = await w.connect();
  const shared = await w.open(admin, { name: "shared", script: 'stty -echo; while read -r line; do echo "<$line>"; done' });
  await w.open(admin, { name: "other", script: "exec cat" });
  const eva = await guest(w, url, "eva", "operator");
  const max = await guest(w, url, "max", "observer");
  const watching = max.user.ssh("shared", ["observe"], { options: ["-s"], stdin: "open" });
  const typing = eva.user.ssh("shared", [], { options: ["-T"], stdin: "open" });
  await fact("both are shown as here", async () => {
    const here = (await admin.show(shared.id)).operators.map((o) => o.operator);
    return here.includes("eva") && here.includes("max");
  });
  typing.type("from eva\n");
  await typing.says("<from eva>");
  await watching.says("<from eva>");
  const late = max.user.ssh("shared", [], { options: ["-T"], stdin: "open" });
  await late.says("<from eva>");
  late.type("from max\n");
  await fact("max is told that he may not type", () => late.err.includes("not_permitted"));
  const { events } = await record(admin, shared.id);
  const inputs = events.filter((e) => e.body?.kind.case === "input");
  expect(inputs.map((e) => [e.actor, e.via])).toEqual([["eva", "ssh"]]);
  for (const { user } of [eva, max]) {
    // One who may run nothing hears the same of what is there and of what is not.
    const never = await user.exec("never", "true");
    expect([await user.exec("other", "true"), never.code]).toMatchObject([
      { code: never.code, err: never.err.replaceAll("never", "other") },
      user === eva.user ? 3 : 4,
    ]);
    expect((await user.ssh("other", ["observe"], { options: ["-s"] }).done).code).toBe(3);
  }
  expect(await eva.user.exec("shared", "echo beside")).toMatchObject({ code: 0, out: Buffer.from("beside\n") });
  expect((await max.user.exec("shared", "echo beside")).code).toBe(4);
  expect((await max.user.sftp("shared", "ls\n")).code).not.toBe(0);
  await admin.invitationRevoke(eva.invitation);
  expect((await typing.done).code).not.toBe(0);
  const again = await eva.user.exec("shared", "true");
  expect([again.code, again.err]).toEqual([255, expect.stringContaining("Permission denied")]);
  expect(watching.child.exitCode).toBeNull();
});
