/** Relays that race each other for one host, one token and one name, in every order in which NATS may do and answer what they ask. */
import { generateKeyPairSync, sign } from "node:crypto";
import { create, headOnWire, type Heads, HeadsSchema, headWords } from "@holdfast/protocol";
import fc, { type Scheduler } from "fast-check";
import { expect, test } from "vitest";
import type { BookedHost } from "../book.ts";
import type { Claim } from "../group.ts";
import { FakeBucket } from "../test/fake-bucket.ts";
import { HeadTable } from "../heads.ts";
import { NatsBook } from "./book.ts";
import { NatsHeadStore } from "./heads.ts";
import { Presence } from "./presence.ts";

const now = 1_000_000;
const id = (digit: string): string => digit.repeat(32);
const box: BookedHost = { id: id("1"), name: "box", fleet: "home", joinedUnixMs: 0, isRevoked: false };
const key = "a".repeat(64);
const doors = { keyIds: [Buffer.from(key, "hex")] };

/** Relays whose hints to each other come when the scheduler says, or never. */
function relays(
  s: Scheduler,
  names: readonly string[],
  isHeard: () => boolean,
): { bucket: FakeBucket; all: Presence[]; lost: Set<Claim> } {
  const bucket = new FakeBucket(s);
  const lost = new Set<Claim>();
  const all: Presence[] = names.map(
    (me) =>
      new Presence({
        me,
        keys: bucket,
        called: () => Promise.resolve([box.id]),
        wallMs: () => now,
        lost: (claim) => void lost.add(claim),
        tell: (host, fence) => {
          for (const [i, other] of all.entries())
            if (names[i] !== me && isHeard()) void s.schedule(Promise.resolve(), "hint").then(() => other.heard(host, fence));
        },
      }),
  );
  return { bucket, all, lost };
}

test("whoever registers a host, in whatever order it is written, answered and heard of: in the end the latest has it and all others know", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat(2), { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.boolean()),
      async (s, at, heard) => {
        const hints = heard[Symbol.iterator]();
        const { bucket, all, lost } = relays(s, ["a", "b", "c"], () => hints.next().value as boolean);
        const claims = Promise.all(
          at.map(async (i) => {
            const claim = await all[i]!.claim({ host: box, version: "", from: "" });
            await all[i]!.doors(claim, doors);
            return claim;
          }),
        );
        const made = await s.waitFor(claims);
        await s.waitIdle();
        // Who missed a hint looks anyway (M1).
        await s.waitFor(Promise.all(all.map((one) => one.checkAll())));
        const { revision } = bucket.now(`host.${box.id}`)!;
        const kept = made.filter((claim) => !claim.isLost);
        expect(kept.map(({ fence }) => fence)).toEqual([revision]);
        for (const claim of lost) expect(claim.isLost).toBe(true);
        // Its door stands for the line that is left, and opens it from everywhere else.
        const holder = at[made.indexOf(kept[0]!)]!;
        const asked = await s.waitFor(Promise.all(all.map((one) => one.find({ keyId: key }, box.id))));
        expect(asked.map((found) => found.map(({ relay }) => relay))).toEqual(
          all.map((_, i) => (i === holder ? [] : [["a", "b", "c"][holder]])),
        );
      },
    ),
  );
});

test("a relay that lets a host go late takes nothing from the one that has it now", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (s) => {
      const { bucket, all } = relays(s, ["a", "b"], () => true);
      all[0]!.release(await s.waitFor(all[0]!.claim({ host: box, version: "", from: "" })));
      const { fence } = await s.waitFor(all[1]!.claim({ host: box, version: "", from: "" }));
      await s.waitIdle();
      expect(bucket.now(`host.${box.id}`)?.revision).toBe(fence);
    }),
  );
});

test("where what the group kept is gone, the relay that has the line says so again, and takes nothing back that went elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (s, isTaken) => {
      const { bucket, all, lost } = relays(s, ["a", "b"], () => false);
      const claim = await s.waitFor(all[0]!.claim({ host: box, version: "", from: "" }));
      await s.waitFor(bucket.remove(`host.${box.id}`, claim.fence));
      const elsewhere = isTaken ? [all[1]!.claim({ host: box, version: "", from: "" })] : [];
      await s.waitFor(Promise.all([all[0]!.checkAll(), ...elsewhere]));
      await s.waitFor(all[0]!.checkAll());
      const fences = [claim, ...(await Promise.all(elsewhere))].filter((c) => !c.isLost).map((c) => c.fence);
      expect(fences).toEqual([bucket.now(`host.${box.id}`)!.revision]);
      expect(lost.has(claim)).toBe(isTaken && claim.isLost);
    }),
  );
});

test("a host that registers while its relay clears what was in doubt of a line before is found", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (s) => {
      const { bucket, all } = relays(s, ["a"], () => false);
      const remove = bucket.remove.bind(bucket);
      const first = await s.waitFor(all[0]!.claim({ host: box, version: "", from: "" }));
      bucket.remove = () => Promise.reject(new Error("NATS is away"));
      all[0]!.release(first);
      await s.waitIdle();
      bucket.remove = remove;
      const [claim] = await s.waitFor(Promise.all([all[0]!.claim({ host: box, version: "", from: "" }), all[0]!.checkAll()]));
      await s.waitIdle();
      expect(bucket.now(`host.${box.id}`)?.revision).toBe(claim.fence);
    }),
  );
});

test("a host that leaves while its relay says again that it is there is not said to be there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (s) => {
      const { bucket, all } = relays(s, ["a"], () => false);
      const claim = await s.waitFor(all[0]!.claim({ host: box, version: "", from: "" }));
      await s.waitFor(bucket.remove(`host.${box.id}`, claim.fence));
      const left = s.schedule(Promise.resolve(), "leave").then(() => all[0]!.release(claim));
      await s.waitFor(Promise.all([all[0]!.checkAll(), left]));
      await s.waitIdle();
      expect(bucket.now(`host.${box.id}`)).toBe(null);
    }),
  );
});

test("a relay that can't be sure of what it wrote is sure in the end: who has a line there is found, and nobody else is said to be there", async () => {
  const deeds = ["register", "leave", "look", "forget"] as const;
  const step = fc.record({ deed: fc.constantFrom(...deeds), write: fc.constantFrom("answered", "unanswered", "lost") });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 2, maxLength: 6 }), async (s, steps) => {
      const { bucket, all } = relays(s, ["a"], () => false);
      const one = all[0]!;
      const { put, create, remove } = bucket;
      let write: (typeof steps)[number]["write"] = "answered";
      const faulty = async <T>(run: () => Promise<T>): Promise<T> => {
        if (write === "answered") return run();
        await (write === "unanswered" ? run() : bucket.get("nothing"));
        throw new Error("no answer in time");
      };
      bucket.put = (key, value) => faulty(() => put.call(bucket, key, value));
      bucket.create = (key, value) => faulty(() => create.call(bucket, key, value));
      bucket.remove = (key, revision) => faulty(() => remove.call(bucket, key, revision));
      const lines: Claim[] = [];
      const doings: Record<(typeof deeds)[number], () => Promise<unknown>> = {
        register: () => one.claim({ host: box, version: "", from: "" }).then((claim) => lines.push(claim)),
        leave: async () => {
          for (const line of lines.splice(0)) one.release(line);
        },
        look: () => one.checkAll(),
        forget: () => remove.call(bucket, `host.${box.id}`, bucket.now(`host.${box.id}`)?.revision ?? 0),
      };
      const doing = steps.map(async ({ deed, write: next }) => {
        await s.schedule(Promise.resolve(), deed);
        write = next;
        await doings[deed]();
      });
      await s.waitFor(Promise.allSettled(doing));
      await s.waitIdle();
      write = "answered";
      await s.waitFor(one.checkAll());
      await s.waitIdle();
      const here = lines.find((line) => !line.isLost);
      expect(bucket.now(`host.${box.id}`)?.revision).toBe(here?.fence);
    }),
    { numRuns: 5_000 },
  );
});

test("of hosts that show one token at several relays one is booked; of those that want one name one has it; who tries again ends where it would have", async () => {
  const joining = fc.record({
    relay: fc.nat(1),
    host: fc.integer({ min: 1, max: 4 }),
    token: fc.nat(2),
    name: fc.constantFrom("box", "lab"),
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(joining, { minLength: 2, maxLength: 6 }), async (s, joins) => {
      const bucket = new FakeBucket(s);
      const books = [new NatsBook(bucket, () => {}), new NatsBook(bucket, () => {})];
      const tokens = [1, 2, 3].map((n) => new Uint8Array(32).fill(n));
      await s.waitFor(
        Promise.all(tokens.map((t) => books[0]!.invite(t, { fleet: "home", name: "", untilUnixMs: now + 1 }, now))),
      );
      const register = ({ relay, host, token, name }: (typeof joins)[number]): Promise<BookedHost | string> =>
        books[relay]!.register(id(String(host)), { name, token: tokens[token]! }, now).catch(
          (fault: { code: string }) => fault.code,
        );
      const outcomes = await s.waitFor(Promise.all(joins.map(register)));
      const booked = outcomes.flatMap((o) => (typeof o === "string" ? [] : [o]));
      const hosts = [...(await s.waitFor(books[1]!.hosts))];
      expect(new Set(booked.map((h) => h.id))).toEqual(new Set(hosts.map((h) => h.id)));
      expect(new Set(hosts.map((h) => h.name)).size, "one name each").toBe(hosts.length);
      expect(hosts.length).toBeLessThanOrEqual(new Set(joins.map((j) => j.token)).size);
      for (const code of outcomes.filter((o) => typeof o === "string"))
        expect(["invitation_unknown", "name_taken"]).toContain(code);
    }),
  );
});

test("a host that joined is known, and its name taken, at a relay whose node of NATS is behind by whatever it is behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), async (s, isToldToken) => {
      const bucket = new FakeBucket(s);
      const book = new NatsBook(bucket, () => {});
      const [token, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
      const left = s.schedule(Promise.resolve(), "left").then(() => bucket.behind());
      const joined = (async () => {
        for (const t of [token, other]) await book.invite(t, { fleet: "home", name: "", untilUnixMs: now + 1 }, now);
        return book.register(box.id, { name: "box", token }, now);
      })();
      const behind = await s.waitFor(left);
      const host = await s.waitFor(joined);
      const again = { name: "box", token: isToldToken ? token : new Uint8Array() };
      expect(await s.waitFor(new NatsBook(behind, () => {}).register(box.id, again, now))).toEqual(host);
      const thief = new NatsBook(behind, () => {}).register(id("2"), { name: "box", token: other }, now);
      await expect(s.waitFor(thief)).rejects.toMatchObject({ code: "name_taken" });
    }),
  );
});

test("what one relay finds that a host has said against itself is kept, whatever another one keeps of it meanwhile", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(12);
  const word = (lsn: number, branch: number): Heads => {
    const point = { lsn, chain: new Uint8Array(32).fill(branch), atUnixMs: 1 };
    const signature = sign(null, headWords("head", raw, point), privateKey);
    return create(HeadsSchema, { heads: [headOnWire({ ...point, signature })] });
  };
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (s) => {
      const bucket = new FakeBucket(s);
      const logged: string[] = [];
      const table = (): HeadTable =>
        new HeadTable({ store: new NatsHeadStore(bucket), wallMs: () => now, log: (event) => void logged.push(event) });
      const [one, other] = [table(), table()];
      const by = { id: box.id, key: raw, isReplaced: () => false };
      await s.waitFor(one.told(by, word(5, 1), null));
      await s.waitFor(Promise.all([one.told(by, word(9, 1), null), other.told(by, word(5, 2), null)]));
      const { conflicts, heads } = (await s.waitFor(other.of(box.id)))!;
      expect([conflicts.map(({ found }) => found), heads[0]?.lsn, logged]).toEqual([["forked"], 5, ["head_conflict"]]);
    }),
  );
});
