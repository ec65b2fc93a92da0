/** The record of a whole host, read and verified over a link. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folders } from "@holdfast/sdk/node";
import { type AuditRecord, auditJson, HoldError } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { held, hold } from "./world/hold.ts";
import { bytes, world } from "./world/world.ts";

const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "answered",
    (fault: unknown) => (fault instanceof HoldError ? fault.code : String(fault)),
  );

test("an auditor over a link reads what hold audit export writes on the machine, word for word, in pages of any size", async () => {
  const w = await world();
  const admin = await w.connect();
  const auditor = await w.operator("aud", "human", "auditor");
  const session = await w.open(admin, { name: "told", script: "echo said; exec cat" });
  await admin.send(session.id, bytes("typed\r"));
  await admin.rename(session.id, "renamed");
  const lines = (await held(w, "audit", "export")).split("\n").map((line) => JSON.parse(line) as { lsn: number; kind: string });
  const [head, ...exported] = lines;
  const names = new Map((await admin.list({ all: true })).map(({ id, name }) => [id, name]));
  const read = async (limit: number): Promise<AuditRecord[]> => {
    const all: AuditRecord[] = [];
    const query = { before: head!.lsn + 1, limit, printed: true, payloadBytes: 262_144 };
    for await (const record of auditor.audit.records(query)) all.unshift(record);
    return all;
  };
  for (const limit of [1_000, 3])
    expect((await read(limit)).map((r) => auditJson(r, names.get(r.session) ?? null))).toEqual(
      exported.filter(({ lsn }) => lsn <= head!.lsn),
    );
  const typed = await auditor.audit.page({
    text: "TYPED",
    kinds: ["input"],
    session: "renamed",
    actor: admin.operator.operator!.id,
  });
  expect(typed.records.map(({ event }) => Buffer.from(event!.data).toString())).toEqual(["typed\r"]);
  expect(typed.next).toBeNull();
});

test("who holds no right to the audit reads and verifies nothing over a link, and no AI does that audits", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "one" });
  for (const [kind, role] of [
    ["human", "operator"],
    ["human", "approver"],
    ["service", "observer"],
    ["ai", "auditor"],
  ] as const) {
    const client = await w.operator(`${role}-${kind}`, kind, role);
    expect([role, kind, await refusal(client.audit.page())]).toEqual([role, kind, "not_permitted"]);
    expect([role, kind, await refusal(client.audit.verify())]).toEqual([role, kind, "not_permitted"]);
  }
});

test("the host verifies its own record and says how far it is; a byte that was changed is named by its record", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "kept", script: "seq 1 2000; exec cat" });
  await admin.wait(session.id, { match: "2000", fromSeq: 0 });
  const steps: [number, number][] = [];
  const whole = await admin.audit.verify({ onProgress: (done, total) => void steps.push([done, total]) });
  expect(whole).toMatchObject({ isWhole: true, wrong: 0 });
  expect(whole.found.at(-1)!.problem).toMatch(/^\d+ records in \d+ segments?/);
  expect(steps.length).toBeGreaterThan(0);
  for (const [done, total] of steps) expect(done).toBeLessThanOrEqual(total);

  const both = [admin.audit.verify(), admin.audit.verify()].map((asked) => refusal(asked));
  expect((await Promise.all(both)).sort()).toEqual(["answered", "too_many"]);

  const ledger = join(folders.journal(w.home), "ledger");
  const segment = join(
    ledger,
    readdirSync(ledger)
      .filter((name) => name.endsWith(".seg"))
      .sort()[0]!,
  );
  const changed = readFileSync(segment);
  const at = changed.indexOf("kept");
  changed[at] = changed[at]! ^ 1;
  writeFileSync(segment, changed);
  const broken = await admin.audit.verify();
  expect(broken.isWhole).toBe(false);
  expect(broken.found[0]).toMatchObject({
    ok: false,
    file: expect.stringMatching(/^ledger\//),
    problem: expect.stringMatching(/damaged/),
  });
  expect(broken.found[0]!.lsn).toBeGreaterThan(0);
});

test("a verification whose caller leaves is ended, and the next one is taken", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "left" });
  const over = new AbortController();
  const asked = refusal(admin.audit.verify({ signal: over.signal }));
  over.abort();
  expect(await asked).toBe("cancelled");
  expect(await admin.audit.verify()).toMatchObject({ isWhole: true });
});

test("of a host at an address hold audit shows, exports and verifies what it does beside the files, in the record's order, and says whose word that is", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  await held(w, "host", "trust", url, "--yes");
  const admin = await w.connect();
  const session = await w.open(admin, { name: "far", script: "echo said; exec cat" });
  await admin.send(session.id, bytes("typed\r"));
  await admin.wait(session.id, { match: "typed", fromSeq: 0 });
  admin.close();
  const lines = (out: string) => out.split("\n").map((line) => JSON.parse(line) as { kind: string; lsn: number; at?: string });
  /** What both were told of: each command is recorded too. */
  const upTo = (lsn: number, all: ReturnType<typeof lines>) => all.filter((r) => r.kind !== "head" && r.lsn <= lsn);
  const near = lines(await held(w, "audit", "export"));
  const far = lines(await held(w, "--host", url, "audit", "export"));
  const { lsn } = near[0]!;
  expect([far[0]!.kind, far[0]!.lsn >= lsn]).toEqual(["head", true]);
  expect(upTo(lsn, far)).toEqual(upTo(lsn, near));
  expect(upTo(lsn, far).some(({ kind }) => kind === "output")).toBe(true);

  const me = (await w.connect()).operator.operator!;
  for (const more of [[], ["--kind", "input"], ["--actor", me.name], ["--since", "1h"]]) {
    const show = (...place: string[]) => held(w, ...place, "audit", "show", "--json", ...more);
    const beside = upTo(lsn, lines(await show()));
    expect(beside.length).toBeGreaterThan(0);
    expect([more, upTo(lsn, lines(await show("--host", url)))]).toEqual([more, beside]);
  }

  const verified = lines(await held(w, "--host", url, "audit", "verify", "--json")) as unknown as {
    ok: boolean;
    problem: string;
  }[];
  expect(verified.map(({ ok }) => ok)).not.toContain(false);
  expect(verified.map(({ problem }) => problem).join("\n")).toMatch(/the host's own word.*\n\d+ records in/);
  expect(await hold(w, "--host", url, "audit", "verify", "--witness", "heads.txt")).toMatchObject({ code: 2 });
  const role = await w.operator("eve", "human", "operator");
  role.close();
  expect(await hold(w, "--as", "eve", "--host", url, "audit", "show")).toMatchObject({
    code: 4,
    err: expect.stringContaining("not_permitted"),
  });
});
