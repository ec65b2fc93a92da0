/** Credentials are in no log, no record, no argument and no environment, whatever is done with them and whatever becomes of the host (T-78). */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connectUnix } from "@holdfast/carrier";
import { formatInvite } from "@holdfast/sdk";
import { files, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { RawLink } from "./world/raw-link.ts";
import { tracesOf } from "./world/traces.ts";
import { bytes, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

test("what lets somebody in leaves no trace: grants, invitations, continuity tokens, passphrases, and what is typed unseen", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const web = url.replace(/^ws/, "http");
  const admin = await w.connect();
  const ana = await w.operator("ana");
  const session = await w.open(admin, { script: "stty -echo; echo ready; read -r secret; stty echo; echo taken; exec cat" });
  await admin.wait(session.id, { match: "ready", fromSeq: 0 });
  const run = (args: readonly string[], input: string): ReturnType<typeof spawnSync> =>
    spawnSync(hold, args, { env: w.env, cwd: w.files, input, encoding: "utf8" });

  // Used, misused, and used in places where it has no business.
  const grant = await ana.grant();
  const signature = grant.split(".")[2]!;
  const headers = { Authorization: `Bearer ${grant}`, "Content-Type": "application/json" };
  const post = async (path: string, more: object = {}): Promise<number> =>
    (await fetch(`${web}${path}`, { method: "POST", headers, body: "{}", ...more })).status;
  expect(await post("/v1/call/list")).toBe(200);
  expect(await post(`/v1/call/list?access_token=${grant}`)).toBe(200);
  expect(await post(`/v1/call/${grant}`)).toBe(404);
  expect(await post("/v1/call/list", { headers: { ...headers, Authorization: `Bearer ${grant}x` } })).toBe(401);
  expect(await post("/v1/call/list", { body: `{"${grant}":` })).toBe(400);
  expect((await fetch(`${web}/v1/sessions/${session.id}/events?replay`, { headers })).status).toBe(200);

  const { hostKey, token } = await admin.invite({ role: "operator", name: "eva" });
  const open = await admin.invite({ role: "operator", name: "ida" });
  const passphrase = "a canary sings in the mine";
  const invite = formatInvite({ at: [url], hostKey, token, operator: "eva" });
  for (const code of [0, 4])
    expect(run(["join", "-", "-d", "--name", `eva-${code}`], `${invite}\n`)).toMatchObject({ status: code });
  expect(run(["join", "-", "-d"], `${invite.slice(0, -4)}\n`).status).not.toBe(0);

  const kept = await admin.invite({ role: "approver", name: "abe" });
  const dial: Parameters<typeof joinHost>[0]["dial"] = (accept) => connectUnix(files.socket(w.home), accept);
  expect(await joinHost({ home: w.home, dial, ...kept, name: "abe", passphrase })).toMatchObject({ role: "approver" });

  const link = await RawLink.login(w.home, w.keyOf("ana"));
  link.send({ case: "attach", value: { session: session.id, continuity: true, writer: "a-writer-by-hand" } }, 1);
  const { secret } = await link.next("continuity");
  await admin.send(session.id, bytes("hunter2-canary\n"), { take: true });
  await admin.wait(session.id, { match: "^taken", fromSeq: 0 });

  const secrets = {
    ...{ "a grant's signature": signature, "an invitation's token": token, "one that is open": open.token, invite },
    ...{ "a continuity token's secret": secret, "what was typed unseen": "hunter2-canary", passphrase },
  };
  expect(tracesOf(w, secrets)).toEqual([]);
  await w.killHost();
  link.end();
  expect(run(["audit", "show", "--json"], "").stdout).not.toMatch(/hunter2-canary/);
  expect(tracesOf(w, secrets)).toEqual([]);
  // And it would have been seen.
  writeFileSync(w.path("left"), Buffer.from(token).toString("hex"));
  expect(tracesOf(w, secrets)).toEqual(["an invitation's token in files/left"]);
});
