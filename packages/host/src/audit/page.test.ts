import { mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type EventBody, EventBody_NoteSchema } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import { type Journal, NodeDisk, openJournal, systemRandom } from "../journal/index.ts";
import { encodeBody, kindOf } from "../session/record.ts";
import { type AuditAsk, readPage } from "./page.ts";

const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 9)]);

class Record {
  readonly folder = join(mkdtempSync(join(tmpdir(), "hold-audit-page-")), "journal");
  readonly #disk = new NodeDisk();
  #wallMs = 1_000;
  #journal: Journal;

  constructor() {
    this.#journal = this.#opened();
    onTestFinished(async () => {
      await this.#journal.close();
      rmSync(join(this.folder, ".."), { recursive: true });
    });
  }

  #opened(): Journal {
    return openJournal(this.#disk, {
      folder: this.folder,
      now: () => ({ wallMs: this.#wallMs, monoNs: BigInt(this.#wallMs) }),
      randomBytes: systemRandom,
      auditKey: pkcs8,
      segmentBytes: 3_000,
      reserveBytes: 0,
    });
  }

  say(session: string, actor: string, body: NonNullable<Exclude<EventBody["kind"], { case: undefined }>>, payload = ""): void {
    this.#wallMs += 1_000;
    this.#journal.append({
      ...{ session, kind: kindOf(body), actor, via: "cli", meta: encodeBody(body), wallMs: this.#wallMs },
      ...{ monoNs: BigInt(this.#wallMs), stream: 1, offset: 0 },
      ...(payload === "" ? {} : { payload: Buffer.from(payload) }),
    });
  }

  note(session: string, actor: string, text: string): void {
    this.say(session, actor, { case: "note", value: create(EventBody_NoteSchema, { text }) });
  }

  async restart(): Promise<void> {
    await this.#journal.close();
    this.#journal = this.#opened();
  }

  page(ask: AuditAsk = {}) {
    return readPage(this.#disk, this.folder, ask);
  }

  /** All pages: what each record says, by lsn. */
  all(ask: AuditAsk): { readonly lsns: number[]; readonly pages: number } {
    const lsns: number[] = [];
    let pages = 0;
    let before = 0n;
    do {
      const page = this.page({ ...ask, before });
      lsns.push(...page.records.map(({ lsn }) => Number(lsn)));
      pages++;
      before = page.next;
    } while (before > 0n);
    return { lsns, pages };
  }
}

const textOf = ({ records }: ReturnType<Record["page"]>): unknown[] =>
  records.map(({ event }) => (event?.body?.kind?.case === "note" ? event.body.kind.value.text : event?.body?.kind?.case));

test("pages give every record once, newest first, over segments and lives, whatever the size of a page", async () => {
  const record = new Record();
  for (let i = 1; i <= 40; i++) record.note(`s${i % 3}`, i % 2 ? "ana" : "ben", `note ${i}`);
  await record.restart();
  for (let i = 41; i <= 60; i++) record.note("s1", "ana", `note ${i}`);
  expect(readdirSync(join(record.folder, "ledger")).filter((name) => name.endsWith(".seg")).length).toBeGreaterThan(4);
  const whole = record.all({ limit: 1_000 });
  expect(whole.pages).toBe(1);
  expect(whole.lsns).toEqual([...whole.lsns].sort((a, b) => b - a));
  expect(whole.lsns[0]! - whole.lsns.at(-1)!).toBe(whole.lsns.length - 1);
  for (const limit of [1, 7, 61]) expect(record.all({ limit })).toMatchObject({ lsns: whole.lsns });
});

test("a page is of the operator, the kinds, the session, the time and the text that were asked for", () => {
  const record = new Record();
  record.note("s1", "ana", "Deployed to production");
  record.note("s1", "ben", "rolled back");
  record.note("s2", "ana", "looked");
  record.say("s2", "ana", { case: "output", value: {} }, "all of it DEPLOYED, it said");
  record.say("s2", "ana", { case: "aiPaused", value: { paused: true } });
  expect(textOf(record.page({ actor: "ben" }))).toEqual(["rolled back"]);
  expect(textOf(record.page({ ofSession: "s2" }))).toEqual(["aiPaused", "looked"]);
  expect(textOf(record.page({ kinds: ["ai_paused"] }))).toEqual(["aiPaused"]);
  expect(textOf(record.page({ sinceUnixMs: 3_000n, untilUnixMs: 5_000n }))).toEqual(["looked", "rolled back"]);
  expect(textOf(record.page({ text: "deployed" }))).toEqual(["Deployed to production"]);
  expect(textOf(record.page({ text: "deployed", printed: true }))).toEqual([undefined, "Deployed to production"]);
  expect(record.page({ kinds: ["journal"] }).records.map(({ own }) => JSON.parse(Buffer.from(own).toString()))).toMatchObject([
    { type: "opened", life: 1 },
  ]);
});

test("payloads come as far as they were asked for, and a page of large ones is a short page", () => {
  const record = new Record();
  for (let i = 0; i < 20; i++) record.say("s1", "ana", { case: "output", value: {} }, "x".repeat(60_000));
  const short = record.page({ printed: true, payloadBytes: 10 }).records[0]!.event!;
  expect([short.data.length, short.payloadBytes]).toEqual([10, 60_000]);
  const page = record.page({ printed: true, payloadBytes: 262_144 });
  expect(page.records.length).toBeLessThan(10);
  expect(page.next).toBeGreaterThan(0n);
  expect(record.all({ printed: true, payloadBytes: 262_144 }).lsns).toHaveLength(21);
});

test("records that are not there any more are told as a gap with its range", async () => {
  const record = new Record();
  for (let i = 1; i <= 60; i++) record.note("s1", "ana", `note ${i}`);
  await record.restart();
  const ledger = join(record.folder, "ledger");
  const segments = readdirSync(ledger)
    .filter((name) => name.endsWith(".seg"))
    .sort();
  const firstLsn = (name: string): number => Number(readFileSync(join(ledger, name)).readBigUInt64LE(24));
  const lost = segments[1]!;
  const range = [firstLsn(lost), firstLsn(segments[2]!) - 1];
  unlinkSync(join(ledger, lost));
  writeFileSync(join(ledger, segments[0]!), "");
  const gaps = record.page({ kinds: ["gap"] }).records.map(({ lsn, gapFromLsn, gapReason }) => [gapFromLsn, lsn, gapReason]);
  expect(gaps).toEqual([[1n, BigInt(range[1]!), "pruned"]]);
  expect(record.page({ limit: 1_000 }).next).toBe(0n);
});
