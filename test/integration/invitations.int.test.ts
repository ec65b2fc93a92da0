/** Invitations: single-use tokens for a device, an operator or a guest of one session (operator/invitations.ts). */
import { connectUnix } from "@holdfast/carrier";
import { type HostClient, type Invited, SessionState } from "@holdfast/sdk";
import { files, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { record, refusal, soak, type World, world } from "./world/world.ts";

/** A new key in the world's own folder of keys, so that `connect(name)` uses it. */
function join(w: World, { token, hostKey }: Pick<Invited, "token" | "hostKey">, name: string) {
  return joinHost({ home: w.home, dial: (accept) => connectUnix(files.socket(w.home), accept), hostKey, token, name });
}

test("an invitation makes one key an operator's, once, over a restart of the host, and is told of", async () => {
  const w = await world();
  const admin = await w.connect();
  const invited = await admin.invite({ role: "operator" });
  const joined = await join(w, invited, "eva");
  expect(joined).toMatchObject({ operator: "eva", role: "operator" });
  expect(await refusal(join(w, invited, "eve"))).toBe("invitation_unknown");
  await w.killHost();
  expect(await refusal(join(w, invited, "eve"))).toBe("invitation_unknown");
  const eva = await w.connect("eva");
  const session = await w.open(eva, { script: "exec sleep 1000" });
  expect((await eva.show(session.id)).id).toBe(session.id);
  const again = await w.connect();
  expect((await again.invitations())[0]).toMatchObject({ redeemedBy: "eva", invitedBy: admin.operator.operator!.id });
});

test(
  "of 200 who take it up at once one gets in",
  async () => {
    const w = await world();
    const admin = await w.connect();
    for (let round = 1; round <= (soak ? 100 : 1); round++) {
      const invited = await admin.invite({});
      const tries = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => join(w, invited, `taker${round}-${n}`)));
      expect(tries.filter((t) => t.status === "fulfilled")).toHaveLength(1);
      expect((await admin.operatorList()).filter((o) => o.name.startsWith("taker"))).toHaveLength(round);
    }
  },
  soak ? 3_600_000 : 120_000,
);

test("a person's second device is the same operator", async () => {
  const w = await world();
  const ana = await w.operator("ana");
  const admin = await w.connect();
  expect(await join(w, await admin.invite({ operator: "ana" }), "ana-phone")).toMatchObject({ operator: "ana" });
  const phone = await w.connect("ana-phone");
  expect((await phone.whoami()).operator?.keyIds).toHaveLength(2);
  await admin.operatorRevoke("ana");
  for (const device of [ana, phone]) expect(await refusal(device.list())).toMatch(/revoked|unreachable/);
  expect(await refusal(w.connect("ana-phone"))).toBe("revoked");
});

test("a token that is forged, of the wrong length, taken back or too late is refused alike, and leaves no key behind", async () => {
  const w = await world();
  const admin = await w.connect();
  const { hostKey, token, invitation } = await admin.invite({});
  for (const wrong of [new Uint8Array(32), token.subarray(1), new Uint8Array(0)])
    expect(await refusal(join(w, { hostKey, token: wrong }, "mallory"))).toBe("invitation_unknown");
  await admin.invitationRevoke(invitation.id);
  expect(await refusal(join(w, { hostKey, token }, "mallory"))).toBe("invitation_unknown");
  const late = await admin.invite({ redeemMs: 1 });
  await fact("its time is over", async () => Number(late.invitation.redeemUntilUnixMs) < Date.now());
  expect(await refusal(join(w, late, "mallory"))).toBe("invitation_unknown");
  expect(await refusal(join(w, { ...late, hostKey: new Uint8Array(32) }, "mallory"))).toBe("host_key_changed");
  expect(await refusal(w.connect("mallory"))).toBe("unknown_credential");
});

/** What a guest may ask for beside their own session: nothing. */
const elsewhere = (guest: HostClient, other: string): Record<string, () => Promise<unknown>> => ({
  show: () => guest.show(other),
  screen: () => guest.screen(other, {}),
  attach: () => guest.attach({ session: other }, {}),
  log: () => guest.attach({ session: other, mode: "replay", after: 0 }, {}),
  send: () => guest.send(other, Buffer.from("x")),
  kill: () => guest.kill(other, 0),
  open: () => guest.open({ command: ["true"] }),
  operators: () => guest.operatorList(),
  invite: () => guest.invite({ session: other, ttlMs: 60_000 }),
  floor: () => guest.floor(other, "take"),
  status: () => guest.status(),
  down: () => guest.down(),
});

test("a guest sees and steers one session and finds nothing else", async () => {
  const w = await world();
  const admin = await w.connect();
  const [shared, other] = [
    await w.open(admin, { name: "shared", script: "exec cat" }),
    await w.open(admin, { name: "other", script: "exec cat" }),
  ];
  const spec = { session: "shared", role: "operator", ttlMs: 3_600_000 };
  await join(w, await admin.invite(spec), "guest");
  const guest = await w.connect("guest");
  expect((await guest.list()).map((s) => s.id)).toEqual([shared.id]);
  const seen: string[] = [];
  const attachment = await guest.attach(
    { session: "shared" },
    { output: (o) => void seen.push(Buffer.from(o.bytes).toString()) },
  );
  await attachment.input(Buffer.from("hello\r"));
  await fact("the echo came", () => seen.join("").includes("hello"));
  for (const id of [other.id, "other", other.id.slice(0, 4)])
    for (const [what, asked] of Object.entries(elsewhere(guest, id)))
      expect([what, await refusal(asked())]).toEqual([what, expect.stringMatching(/no_such_session|not_permitted/)]);
  // A name that means another session by now leads nowhere else.
  await admin.rename("shared", "mine");
  await admin.rename("other", "shared");
  expect((await guest.show("mine")).id).toBe(shared.id);
  // The floor by a call, as `hold take` and a program ask for it: which right that needs is not the same for each of its verbs.
  expect(await guest.floor(shared.id, "release")).toMatchObject({ holder: "" });
  expect(await guest.floor(shared.id, "take")).toMatchObject({ holder: "guest" });
  expect(await guest.floor(shared.id, "ai_pause")).toMatchObject({ aiPaused: true });
  expect(await refusal(guest.show("shared"))).toBe("no_such_session");
  const typed = (await record(admin, shared.id)).events.filter((e) => e.body?.kind.case === "input");
  expect(typed.map((e) => e.actor)).toEqual(["guest"]);
  expect((await admin.show(shared.id)).state).toBe(SessionState.RUNNING);
});

test("at the end of a guest's time their links are cut, and the session runs on", async () => {
  const w = await world();
  const admin = await w.connect();
  const shared = await w.open(admin, { name: "shared", script: "exec cat" });
  await join(w, await admin.invite({ session: "shared", role: "operator", ttlMs: 5_000 }), "guest");
  const guest = await w.connect("guest");
  let ended = "";
  await guest.attach({ session: "shared", reconnect: false }, { detached: (reason) => (ended = reason) });
  await fact("they are out", () => ended !== "", 60_000);
  expect(await refusal(guest.list())).toMatch(/revoked|access_ended|unreachable/);
  expect(await refusal(w.connect("guest"))).toMatch(/revoked|access_ended/);
  expect((await admin.show(shared.id)).state).toBe(SessionState.RUNNING);
});

test("an invitation that is taken back puts its guest out at once; only an admin invites", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "shared", script: "exec cat" });
  const invited = await admin.invite({ session: "shared", role: "observer", ttlMs: 3_600_000 });
  await join(w, invited, "guest");
  const guest = await w.connect("guest");
  await guest.attach({ session: "shared" }, {});
  expect(await refusal(guest.send("shared", Buffer.from("x")))).toBe("not_permitted");
  await admin.invitationRevoke(invited.invitation.id);
  await fact("the guest is out", async () => /revoked|unreachable/.test(await refusal(guest.list())));
  expect(await refusal((await w.operator("ben")).invite({}))).toBe("not_permitted");
  expect(await refusal(admin.invite({ role: "king" }))).toBe("bad_request");
  expect(await refusal(admin.invite({ session: "shared", role: "admin", ttlMs: 1 }))).toBe("bad_request");
  expect(await refusal(admin.invite({ session: "shared", role: "observer" }))).toBe("bad_request");
});
