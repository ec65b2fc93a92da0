/**
 * The host's mirror, for who asks: whether there is one, where, how far it is. The copying is a worker's (worker.ts), which is started where a home has
 * a setting, and no other host loads any of it.
 *
 *   R1  An erasure is told as done when the mirror has it too, or with the word that it has not yet.
 *       What it has not is counted, and kept for the host's next life: what earlier lives left, and what this one told.
 *   R2  The mirror's key is made with the setting, and stays when that goes: what lies in the mirror is read with it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { files } from "@holdfast/carrier";
import {
  create,
  HoldError,
  type MirrorStatus,
  MirrorStatusSchema,
  type Session,
  SessionSchema,
  toBinary,
  withoutSecret,
} from "@holdfast/protocol";
import { storeDurablyLater } from "../operator/store.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { LiveSession } from "../session/session.ts";
import type { Moment } from "./copier.ts";
import type { SessionLine } from "./head.ts";
import type { MirrorAddress } from "./nats-store.ts";
import { writeRuns } from "./pieces.ts";
import { mirrorKeyFile } from "./sealed.ts";
import type { FromWorker, Told, ToWorker, WorkerSettings } from "./wire.ts";

/** R1: so long an erasure waits for the mirror. */
const FLUSH_MS = 10_000;
/** Who copies before a machine goes waits for all of it. */
const NOW_MS = 600_000;
const ASK_MS = 2_000;
/** After a worker that ended by itself. */
const AGAIN_MS = 5_000;
const DONE_LOOK_MS = 20;
const DONE_LOOKS = 50;
/** R1: of erasures that nobody waits for. */
const COUNT_MS = 1_000;
const HEAP_MIB = 512;
/** Facts of so many sessions are written in one turn of the loop. */
const LINES_A_TURN = 50;

/** One file: an address and what it is reached with are replaced together. */
interface Setting extends MirrorAddress {
  /** Erasures that the mirror did not have when the host last knew. */
  readonly pending?: number;
  /** Asked for, and not done yet. */
  readonly takesOver?: boolean;
}

/** What of the host this needs. */
export interface MirroredHost {
  readonly home: string;
  readonly version: string;
  readonly ports: Pick<SessionPorts, "journal" | "clock" | "log">;
  readonly sessions: ReadonlyMap<string, LiveSession>;
  shown(session: LiveSession): Session;
}

export interface MirrorParts {
  readonly host: MirroredHost;
  readonly hostId: string;
  readonly workerUrl: URL;
  /** How long after a worker that ended the next one begins. Default: {@link AGAIN_MS}. */
  readonly againMs?: number;
}

export class Mirror {
  readonly #p: MirrorParts;
  #setting: Setting | null = null;
  #worker: Worker | null = null;
  #told: Told | null = null;
  /** R1: erasures that earlier lives of the host left; and how many of this one's the newest head has, -1: it has written none. */
  #before = 0;
  #done = -1;
  #lastId = 0;
  #again: NodeJS.Timeout | null = null;
  #counting: NodeJS.Timeout | null = null;
  #isOver = false;
  readonly #waiting = new Map<number, (message: FromWorker | null) => void>();

  constructor(parts: MirrorParts) {
    this.#p = parts;
  }

  start(): void {
    const { home, ports } = this.#p.host;
    const path = files.mirror(home);
    if (!existsSync(path)) return;
    try {
      this.#setting = JSON.parse(readFileSync(path, "utf8")) as Setting;
      this.#before = this.#setting.pending ?? 0;
      this.#begin();
    } catch (fault) {
      ports.log(`${path} can't be read (${String(fault)}): nothing is mirrored; say where again: hold host mirror URL`);
    }
  }

  /** Resolves when nothing of it writes any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#halt();
    await this.#kept.catch(() => undefined);
  }

  async #halt(): Promise<void> {
    if (this.#again) clearTimeout(this.#again);
    if (this.#counting) clearInterval(this.#counting);
    this.#again = this.#counting = null;
    const worker = this.#worker;
    this.#worker = null;
    this.#settle();
    // Killed anywhere, it leaves what the next one takes up (copier K2).
    await worker?.terminate();
  }

  /** Nobody waits for a worker that is gone. */
  #settle(): void {
    for (const give of [...this.#waiting.values()]) give(null);
  }

  /** From now on it is there. Resolves with how it began, or so far as it has come in a moment; where it throws, all is as it was. One after the other. */
  set(address: MirrorAddress, takesOver: boolean): Promise<MirrorStatus> {
    return this.#change(() => this.#set(address, takesOver));
  }

  #change<T>(run: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(run);
    this.#changing = changed.catch(() => undefined);
    return changed;
  }
  #changing: Promise<unknown> = Promise.resolve();

  async #set(address: MirrorAddress, takesOver: boolean): Promise<MirrorStatus> {
    checkAddress(address);
    const { home } = this.#p.host;
    mkdirSync(files.mirrorFolder(home), { recursive: true, mode: 0o700 });
    mirrorKeyFile(files.mirrorKey(home));
    const { url, bucket, creds } = address;
    const had = { setting: this.#setting, done: this.#done };
    await this.#halt();
    try {
      if (had.setting?.url !== url || had.setting.bucket !== bucket) this.#done = -1;
      const place = { url, bucket, ...(creds === undefined ? {} : { creds }) };
      await this.#keep({ ...place, ...this.#counted(), ...(takesOver ? { takesOver } : {}) });
      await this.#begun();
    } catch (fault) {
      this.#setting = had.setting;
      this.#done = had.done;
      if (had.setting) {
        await this.#keep(had.setting).catch(() => undefined);
        this.#begin();
      } else rmSync(files.mirror(home), { force: true });
      throw fault;
    }
    return this.status();
  }

  off(): Promise<void> {
    return this.#change(async () => {
      // First: an erasure meanwhile counts for nothing that would keep it again.
      this.#setting = this.#told = null;
      await this.#halt();
      await this.#kept.catch(() => undefined);
      rmSync(files.mirror(this.#p.host.home), { force: true });
      this.#before = 0;
      this.#done = -1;
    });
  }

  /** R2 */
  key(): { readonly key: Uint8Array; readonly setting: Setting } {
    if (!this.#setting) throw new HoldError("bad_request", "this host has no mirror: set one up with `hold host mirror URL`");
    return { key: mirrorKeyFile(files.mirrorKey(this.#p.host.home)), setting: this.#setting };
  }

  async status(): Promise<MirrorStatus> {
    const told = this.#told;
    const setting = this.#setting;
    if (!setting) return create(MirrorStatusSchema, { state: "off" });
    const lag = await this.#asked({ type: "lag", id: ++this.#lastId }, ASK_MS);
    const bytes = lag?.type === "lag" ? lag.bytes : null;
    const now = this.#p.host.ports.clock.wallMs();
    const asOf = told?.asOfUnixMs ?? 0;
    return create(MirrorStatusSchema, {
      url: withoutSecret(setting.url),
      bucket: setting.bucket,
      state: told?.state ?? "connecting",
      sinceUnixMs: BigInt(Math.trunc(told?.sinceUnixMs ?? now)),
      why: told?.why ?? "",
      asOfUnixMs: BigInt(Math.trunc(asOf)),
      epoch: told?.epoch ?? 0,
      serial: BigInt(told?.serial ?? 0),
      files: told?.files ?? 0,
      bytes: BigInt(told?.bytes ?? 0),
      copiedBytes: BigInt(told?.copiedBytes ?? 0),
      lagKnown: bytes !== null,
      lagBytes: BigInt(bytes ?? 0),
      lagMs: BigInt(bytes === 0 || asOf === 0 ? 0 : Math.max(0, Math.trunc(now - asOf))),
      pendingErasures: this.#pending(),
    });
  }

  /** What an admin should see to; null: nothing. */
  notice(): string | null {
    const { state, why } = this.#told ?? { state: "connecting", why: "" };
    return ["unreachable", "full", "fenced", "failed"].includes(state) ? `the mirror is ${state}: ${why}` : null;
  }

  /** Copies what is not there yet, and resolves with how that went. */
  async now(): Promise<MirrorStatus> {
    this.key();
    const why = await this.#flushed(NOW_MS);
    const status = await this.status();
    return why === ""
      ? status
      : { ...status, why: status.why || why, state: status.state === "mirrored" ? "copying" : status.state };
  }

  async #flushed(ms: number): Promise<string> {
    const { journal } = this.#p.host.ports;
    await journal.durable(journal.mark().lsn).catch(() => undefined);
    // What is durable is erased next, of large files off the loop.
    for (let looks = 0; looks < DONE_LOOKS && journal.mark().done < journal.mark().told; looks++) await delay(DONE_LOOK_MS);
    const answer = await this.#asked({ type: "flush", id: ++this.#lastId }, ms);
    return answer?.type === "flushed" ? answer.why : "it did not answer in time";
  }

  /** R1: resolves when what was erased before is erased in the mirror, with nothing; or with why it is not yet. */
  async erased(): Promise<string> {
    if (!this.#setting) return "";
    // Before anything else can happen to this host; where it can't be kept, the mirror is hurried all the same.
    await this.#countOrSay();
    const why = await this.#flushed(FLUSH_MS);
    return why === "" && this.#pending() === 0 ? "" : why || "it is being copied";
  }

  #pending(): number {
    const { told } = this.#p.host.ports.journal.mark();
    return this.#done < 0 ? this.#before + told : told - this.#done;
  }

  #counted(): Pick<Setting, "pending"> {
    const pending = this.#pending();
    return pending === 0 ? {} : { pending };
  }

  /** Keeps how much the mirror has not, if that has changed. */
  async #count(): Promise<void> {
    if (!this.#setting || (this.#setting.pending ?? 0) === this.#pending()) return;
    const { pending: _, ...setting } = this.#setting;
    await this.#keep({ ...setting, ...this.#counted() });
  }

  async #countOrSay(): Promise<void> {
    await this.#count().catch((fault: unknown) =>
      this.#p.host.ports.log(`mirror: what is pending can't be kept: ${String(fault)}`),
    );
  }

  /** One after the other: the last one stays. */
  #keep(setting: Setting): Promise<void> {
    this.#setting = setting;
    const kept = this.#kept.catch(() => undefined).then(() => storeDurablyLater(files.mirror(this.#p.host.home), setting));
    this.#kept = kept;
    kept.catch(() => undefined);
    return kept;
  }
  #kept: Promise<void> = Promise.resolve();

  #begin(): void {
    const { host, hostId, workerUrl } = this.#p;
    const setting = this.#setting;
    if (setting === null || this.#isOver) return;
    const worker = new Worker(workerUrl, {
      workerData: {
        home: host.home,
        hostId,
        hostVersion: host.version,
        address: { url: setting.url, bucket: setting.bucket, ...(setting.creds === undefined ? {} : { creds: setting.creds }) },
        takesOver: setting.takesOver ?? false,
      } satisfies WorkerSettings,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    this.#worker = worker;
    this.#told = null;
    worker.unref();
    this.#counting ??= setInterval(() => void this.#countOrSay(), COUNT_MS).unref();
    worker.on("message", (message: FromWorker) => this.#heard(worker, message));
    worker.on("error", (fault) => host.ports.log(`mirror: ${fault.stack ?? String(fault)}`));
    worker.on("exit", () => this.#ended(worker));
  }

  /** Begins, and waits until it has something to say. */
  async #begun(): Promise<void> {
    this.#begin();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      this.#onTold = ({ state }) => {
        if (state === "connecting" || state === "copying") return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onTold = null;
  }
  #onTold: ((told: Told) => void) | null = null;

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#settle();
    this.#beginLater();
  }

  /** The host goes on whatever becomes of its mirror. */
  #beginLater(): void {
    this.#again = setTimeout(() => {
      try {
        this.#begin();
      } catch (fault) {
        this.#p.host.ports.log(`mirror: it can't begin: ${String(fault)}`);
        this.#beginLater();
      }
    }, this.#p.againMs ?? AGAIN_MS).unref();
  }

  #heard(worker: Worker, message: FromWorker): void {
    if (this.#worker !== worker) return;
    switch (message.type) {
      case "told":
        return this.#note(message.told);
      case "ask":
        return void this.#answer(message).then((answer) => worker.postMessage(answer));
      default:
        this.#waiting.get(message.id)?.(message);
    }
  }

  async #answer({ what, id }: FromWorker & { readonly type: "ask" }): Promise<ToWorker> {
    try {
      return what === "moment"
        ? { type: "moment", id, moment: await this.#moment() }
        : { type: "sessions", id, lines: await this.#lines() };
    } catch (fault) {
      return { type: "refused", id, why: fault instanceof Error ? fault.message : String(fault) };
    }
  }

  #note(told: Told): void {
    if (told.state !== this.#told?.state && !["copying", "connecting"].includes(told.state) && told.state !== this.#logged) {
      this.#logged = told.state;
      this.#p.host.ports.log(`mirror: ${told.state}${told.why ? `: ${told.why}` : ""}`);
    }
    this.#told = told;
    this.#onTold?.(told);
    if (told.done >= 0) {
      this.#done = told.done;
      this.#before = 0;
    }
    if (told.isOurs && this.#setting?.takesOver) {
      const { takesOver: _, ...setting } = this.#setting;
      this.#setting = setting;
      this.#keep({ ...setting, ...this.#counted() }).catch(() => undefined);
    }
    void this.#countOrSay();
  }
  #logged = "";

  #asked(message: ToWorker & { readonly id: number }, ms: number): Promise<FromWorker | null> {
    const worker = this.#worker;
    if (!worker) return Promise.resolve(null);
    return new Promise((resolve) => {
      const give = (answer: FromWorker | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(message.id);
        resolve(answer);
      };
      const timer = setTimeout(() => give(null), ms);
      this.#waiting.set(message.id, give);
      worker.postMessage(message);
    });
  }

  /** What of the ledger is on the disk by now: the mirror never has what a power cut takes from the host. */
  async #moment(): Promise<Moment> {
    const { journal } = this.#p.host.ports;
    const mark = journal.mark();
    const { chain, signature } = journal.head();
    // A journal that is frozen goes no further, and what it has is copied.
    await journal.durable(mark.lsn).catch(() => undefined);
    return { ...mark, chain: Buffer.from(chain).toString("base64"), signature: Buffer.from(signature).toString("base64") };
  }

  async #lines(): Promise<SessionLine[]> {
    const { host } = this.#p;
    const { journal } = host.ports;
    const lines: SessionLine[] = [];
    for (const id of journal.sessions()) {
      const session = host.sessions.get(id);
      const facts = session ? Buffer.from(toBinary(SessionSchema, host.shown(session))).toString("base64") : "";
      lines.push({ id, segments: writeRuns(journal.segmentsOf(id)), facts });
      if (lines.length % LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return lines;
  }
}

/** Throws `bad_request` for what is no address of a NATS server. */
export function checkAddress({ url, bucket }: MirrorAddress): void {
  for (const one of url.split(","))
    if (!/^(nats|tls):\/\/([^@/\s]+@)?[^@/\s]+\/?$/.test(one.trim()))
      throw new HoldError(
        "bad_request",
        `${withoutSecret(one)} is no address of a NATS server; nats://HOST:4222 is, and tls://HOST:4222`,
      );
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(bucket))
    throw new HoldError("bad_request", `bucket ${JSON.stringify(bucket)}: letters, digits, dash and underscore, 64 at most`);
}
