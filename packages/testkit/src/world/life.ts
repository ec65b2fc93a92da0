/**
 * One life of the host: the real Host on this world's clock, disk, network and shims. It can end at any of its own acts: a
 * write to the disk, a frame to a shim or to a client. What it goes on to do in the same turn has no effect any more.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Acceptor } from "@holdfast/carrier";
import {
  Host,
  Continuity,
  Invitations,
  HostLink,
  type Checkpoint,
  type HostIdentity,
  type OperatorRegistry,
  type PolicyStore,
  type SessionPorts,
} from "@holdfast/host";
import { openJournal, type Disk, type DiskFile, type Journal, type JournalOptions } from "@holdfast/host/journal";
import type { ShimSpec } from "@holdfast/shim";
import type { Random, Scheduler } from "../clock/index.ts";
import type { SimFS } from "../disk/index.ts";
import type { Network, Owner } from "../network/index.ts";
import type { SimShim } from "../shim/index.ts";
import { FoldModels } from "./fold-models.ts";

export const JOURNAL_FOLDER = "/journal";
/** Fixed: nothing may depend on which key signs. */
export const AUDIT_KEY = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]);
const HOST_KEY = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 9)]);
export const hostKey: KeyObject = createPrivateKey({ key: HOST_KEY, format: "der", type: "pkcs8" });

/** What the journal refuses with when its disk fails. */
const DISK_CODES = ["disk_full", "journal_unwritable", "journal_frozen"];

/** What outlives a host: given to each life. */
export interface Ground {
  readonly scheduler: Scheduler;
  readonly disk: SimFS;
  readonly network: Network;
  readonly registry: OperatorRegistry;
  readonly identity: HostIdentity;
  readonly checkpoints: Map<string, Checkpoint>;
  /** What is on the disk of the continuity tokens, as text. */
  readonly tokens: { text: string };
  readonly bootId: string;
  readonly journal: Partial<JournalOptions>;
  readonly policy: PolicyStore;
  shimAt(path: string): SimShim | null;
  startShim(spec: ShimSpec): SimShim;
  note(text: string): void;
  violation(what: string): void;
}

export class Life implements Owner {
  readonly number: number;
  readonly #ground: Ground;
  readonly #random: Random;
  readonly #sides = new Set<{ ownerDied(): void }>();
  readonly links = new Set<HostLink>();
  /** Sessions whose files were taken away. */
  readonly forgotten: string[] = [];
  isAlive = true;
  isServing = false;
  effects = 0;
  /** Dies at this act, before it has its effect; null: lives on. */
  diesAt: number | null = null;
  diedAt = "";
  onDeath: () => void = () => {};
  onEffect: (what: string) => boolean = () => true;
  host!: Host;
  journal!: Journal;
  models!: FoldModels;

  constructor(ground: Ground, number: number) {
    this.#ground = ground;
    this.#random = ground.scheduler.random.fork();
    this.number = number;
  }

  effect(what: string): boolean {
    if (!this.isAlive) return false;
    this.effects++;
    if (this.effects === this.diesAt || !this.onEffect(what)) {
      this.dies(what);
      return false;
    }
    return true;
  }

  dies(during: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.diedAt = during;
    this.#ground.note(`host ${this.number} dies: ${during}`);
    for (const side of this.#sides) side.ownerDied();
    this.#ground.network.hostDied();
    this.onDeath();
  }

  /** Runs a piece of the host; a defect of a live one is the world's to report, what a dead one throws is nobody's. */
  #run(what: string, run: () => void): void {
    if (!this.isAlive) return;
    try {
      run();
    } catch (fault) {
      if (!this.isAlive) return;
      this.#ground.violation(`the host crashed in ${what}: ${fault instanceof Error ? fault.stack : String(fault)}`);
      this.dies(`defect in ${what}`);
    }
  }

  /** Opens the journal, adopts what lives, and serves. */
  async start(): Promise<void> {
    const { scheduler, network, identity } = this.#ground;
    try {
      this.#open();
      await this.host.adopt(this.number);
    } catch (fault) {
      if (!this.isAlive) return;
      const code = (fault as { code?: string }).code ?? "";
      if (!DISK_CODES.includes(code))
        this.#ground.violation(`host ${this.number} could not start: ${fault instanceof Error ? fault.stack : String(fault)}`);
      return this.dies(`at start: ${code}`);
    }
    if (!this.isAlive) return;
    const accept: Acceptor = (link) => {
      const bound = new HostLink(this.host, identity, link);
      this.links.add(bound);
      bound.onOver = () => this.links.delete(bound);
      return {
        frame: (channel, message) => this.#run("a client's frame", () => bound.frame(channel, message)),
        drained: () => this.#run("drained", () => bound.drained()),
        closed: (reason) => this.#run("closed", () => bound.closed(reason)),
      };
    };
    network.listen(accept, this);
    this.isServing = true;
    this.#ground.note(`host ${this.number} serves`);
    const keep = (): void => {
      scheduler.after(1_000_000, () => {
        if (!this.isAlive) return;
        this.#run("keeping the journal", () => this.#keepJournal());
        keep();
      });
    };
    keep();
  }

  /** As main.ts does it: a disk that is full again is no defect. */
  #keepJournal(): void {
    const { journal, host } = this;
    try {
      if (journal.frozen && journal.thaw()) for (const session of host.sessions.values()) session.thawed();
      if (journal.nextWakeNs !== null && this.#ground.scheduler.clock.monoNs() >= journal.nextWakeNs) journal.tick();
    } catch (fault) {
      if (!this.isAlive || !DISK_CODES.includes((fault as { code?: string }).code ?? "")) throw fault;
    }
  }

  #open(): void {
    const { scheduler, registry, policy, checkpoints, tokens, bootId, identity } = this.#ground;
    const random = this.#random;
    const { clock } = scheduler;
    this.journal = openJournal(this.#disk(), {
      folder: JOURNAL_FOLDER,
      now: () => ({ wallMs: clock.wallMs(), monoNs: clock.monoNs() }),
      randomBytes: (n) => random.bytes(n),
      auditKey: AUDIT_KEY,
      bootId,
      reserveBytes: 0,
      segmentBytes: 256 * 1024,
      payloadFileBytes: 128 * 1024,
      ...this.#ground.journal,
    });
    this.models = new FoldModels(scheduler, this, {
      reply: (r) => this.#run("a reply", () => this.host.sessions.get(r.session)?.reply(r.offset, r.bytes)),
      parsed: (session) => this.#run("parsed", () => this.host.sessions.get(session)?.parsed()),
      notice: () => {},
      lost: () =>
        this.#run("models lost", () => {
          for (const session of this.host.sessions.values()) session.modelsLost();
        }),
    });
    const deferred: (() => void)[] = [];
    /** Since their last save began. */
    const removed = new Set<string>();
    const ports: SessionPorts = {
      clock,
      journal: this.journal,
      models: this.models,
      checkpoints: {
        load: (session) => checkpoints.get(session) ?? null,
        save: async (session, checkpoint) => {
          removed.delete(session);
          await scheduler.wait(random.int(1, 20));
          if (!removed.has(session) && this.effect(`saves a checkpoint of ${session}`)) checkpoints.set(session, checkpoint);
        },
        remove: (session) => {
          removed.add(session);
          checkpoints.delete(session);
        },
      },
      connectShim: (path, acked, handlers) => {
        const shim = this.#ground.shimAt(path);
        const run = (what: string, act: () => void): void => this.#run(what, act);
        const guarded: typeof handlers = {
          welcome: (w) => run("welcome", () => handlers.welcome(w)),
          output: (stream, offset, timeNs, bytes) => run("output", () => handlers.output(stream, offset, timeNs, bytes)),
          result: (r) => run("result", () => handlers.result(r)),
          exited: (e) => run("exited", () => handlers.exited(e)),
          closed: (stream, end) => run("closed", () => handlers.closed(stream, end)),
          probe: (p) => run("probe", () => handlers.probe(p)),
          releaseRefused: (n) => run("releaseRefused", () => handlers.releaseRefused?.(n)),
          end: (reason, detail) => run("end", () => handlers.end(reason, detail)),
        };
        const side = shim!.connect(this, acked, guarded);
        this.#sides.add(side as unknown as { ownerDied(): void });
        return side;
      },
      // In order, as setImmediate does it.
      defer: (run) => {
        deferred.push(run);
        if (deferred.length > 1) return;
        scheduler.after(random.int(1, 60), () => {
          for (const act of deferred.splice(0)) this.#run("deferred work", act);
        });
      },
      // Never before it is due, whatever the fractions: real timers are late too.
      wakeAt: (at, run) =>
        scheduler.after(Math.max(1, Math.ceil((at - scheduler.nowMs) * 1000)), () => this.#run("a timer", run)),
      newId: (chars) => random.id(chars),
      log: (text) => {
        this.#ground.note(`log: ${text.split("\n")[0]}`);
      },
    };
    // Whatever stands in a real run folder: here shims are found by their path alone.
    const files = {
      socketPath: (id: string) => `/run/${id}.sock`,
      environmentPath: (id: string) => `/run/environment/${id}`,
      agentPath: (id: string) => `/run/agent/${id}.sock`,
      pointAgent: () => {},
      specAgain: () => null,
      forgetAgent: () => {},
      forget: () => {},
    };
    const opener = {
      ...files,
      files,
      shellFolder: "/shell",
      newNonce: () => random.id(32),
      kernels: { bridge: "/bridge", node: "/node", folder: (id: string) => `/run/kernel/${id}` },
      bootId,
      hasShim: (path: string) => this.#ground.shimAt(path)?.isThere ?? false,
      startShim: async (_id: string, spec: ShimSpec) => {
        await scheduler.wait(random.int(1, 5));
        if (!this.effect("starts a shim")) return new Promise<never>(() => {});
        return { pid: this.#ground.startShim(spec).pid };
      },
    };
    const options = {
      ports,
      opener,
      registry,
      policy,
      version: "sim",
      maxSessions: 100,
      home: "/home",
      journalFolder: JOURNAL_FOLDER,
      agentFolder: "",
      auditPublicKey: identity.publicKey,
      shimBinary: "",
      startedAtUnixMs: clock.wallMs(),
      linkCount: () => this.links.size,
      onDown: null,
    };
    const continuity = new Continuity({
      ports,
      bootId,
      randomBytes: (n) => random.bytes(n),
      store: {
        load: () => JSON.parse(tokens.text) as unknown,
        save: async (all) => {
          const text = JSON.stringify(all);
          await scheduler.wait(random.int(1, 20));
          if (!this.effect("saves continuity tokens")) return new Promise<never>(() => {});
          tokens.text = text;
        },
      },
    });
    this.host = new Host({ ...options, invitations: Invitations.open(null), continuity });
  }

  /** This life's view of the disk: nothing reaches it from beyond the grave, and a sync takes its time. */
  #disk(): Disk {
    const { disk, scheduler } = this.#ground;
    const random = this.#random;
    const act = (what: string, run: () => void): void => {
      if (this.effect(what)) run();
    };
    const syncing = (what: string, run: () => Promise<void>): Promise<void> => {
      if (!this.effect(what)) return new Promise(() => {});
      return scheduler
        .wait(random.chance(0.1) ? random.int(20, 200) : random.int(0, 8))
        .then(() => (this.isAlive ? run() : new Promise<void>(() => {})));
    };
    const file = (inner: DiskFile, path: string): DiskFile => ({
      write: (bytes, position) => (this.effect(`writes ${path}`) ? inner.write(bytes, position) : bytes.length),
      read: (into, position) => inner.read(into, position),
      size: () => inner.size(),
      truncate: (length) => act(`truncates ${path}`, () => inner.truncate(length)),
      sync: () => syncing(`syncs ${path}`, () => inner.sync()),
      syncNow: () => act(`syncs ${path} now`, () => inner.syncNow()),
      close: () => inner.close(),
    });
    return {
      open: (path, mode) => {
        if (mode === "create-new" && !this.effect(`creates ${path}`)) throw new Error("dead");
        return file(disk.open(path, mode), path);
      },
      list: (folder) => disk.list(folder),
      exists: (path) => disk.exists(path),
      mkdir: (path) => act(`makes ${path}`, () => disk.mkdir(path)),
      rename: (from, to) => act(`renames ${from}`, () => disk.rename(from, to)),
      remove: (path) => act(`removes ${path}`, () => disk.remove(path)),
      removeLater: (path) => syncing(`removes ${path}`, () => disk.removeLater(path)),
      syncFolder: (path) => syncing(`syncs folder ${path}`, () => disk.syncFolder(path)),
      syncFolderNow: (path) => act(`syncs folder ${path} now`, () => disk.syncFolderNow(path)),
    };
  }
}
