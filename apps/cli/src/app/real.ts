/**
 * The context of a real run: this process's streams, its environment, and the host of this machine.
 *   R1  The SDK is imported when a command first needs the host, the host's starter only when nothing answers.
 *   R2  A reader that goes away (`hold ls | head -1`) ends us quietly, after what the command has to do then.
 *   R3  Node's streams are made when they are first used: what a command does not touch it does not pay for.
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isatty } from "node:tty";
import { HoldError, type HostClient, relayedAddress } from "@holdfast/sdk";
import type { Settings } from "../config/settings.ts";
import { type Paint, paintFor } from "../show/colour.ts";
import type { Remote } from "../read/remote.ts";
import type { CommandTable } from "../spec/command.ts";
import type { Outer } from "../terminal/outer.ts";
import type { FoundHost, Joined, KeptByRelay } from "@holdfast/sdk/node";
import type { FromMirror } from "../mirror/record.ts";
import type {
  AuditFilter,
  AuditFinding,
  AuditRecord,
  ClientOptions,
  ConnectPlace,
  Context,
  HostWishes,
  Input,
  JoinWish,
  KeyStore,
  LoggedIn,
  LogInOptions,
  Origin,
  Output,
  RecordPage,
  SeenHost,
} from "./context.ts";
import { drainOf } from "./drain.ts";
import { report, usage } from "./fail.ts";
import type { Globals } from "./globals.ts";
import { type Contexts, type Target, targetOf } from "./target.ts";

/** How long a command waits for the host to show what its record is: it is on the same link, and before any other question. */
const CHECK_MS = 2_000;

class StandardOutput implements Output {
  readonly isTty: boolean;
  readonly #fd: 1 | 2;
  #opened: NodeJS.WriteStream | undefined;
  #drained: (() => Promise<void>) | undefined;
  #instead: (() => void) | undefined;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
    this.isTty = isatty(fd);
  }

  get #stream(): NodeJS.WriteStream {
    if (!this.#opened) {
      this.#opened = this.#fd === 1 ? process.stdout : process.stderr;
      this.#drained = drainOf(this.#opened);
      this.#opened.on("error", (error: NodeJS.ErrnoException) => this.#gone(error));
    }
    return this.#opened;
  }

  get columns(): number {
    const told = Number(process.env["COLUMNS"]);
    return (this.isTty && this.#stream.columns) || (Number.isInteger(told) && told > 0 ? told : 100);
  }

  write(data: string | Uint8Array): void {
    this.#stream.write(data);
  }

  drained(): Promise<void> {
    return this.#drained?.() ?? Promise.resolve();
  }

  whenGone(run: () => void): void {
    this.#instead = run;
  }

  /** R2 */
  #gone(error: NodeJS.ErrnoException): void {
    if (this.#instead) return this.#instead();
    process.exit(error.code === "EPIPE" ? 0 : 1);
  }

  /** Resolves when all that was written has left this process. */
  emptied(): Promise<void> {
    const stream = this.#opened;
    return stream && stream.writableLength > 0 ? new Promise((resolve) => stream.write("", () => resolve())) : Promise.resolve();
  }
}

let out: StandardOutput | undefined;
let err: StandardOutput | undefined;

export function stdoutOutput(): Output {
  out ??= new StandardOutput(1);
  return out;
}

export function stderrOutput(): Output {
  err ??= new StandardOutput(2);
  return err;
}

/** Ends the process when what was written has left it. Node's own way out would wait for whatever else is open, and take its heap apart. */
export async function leave(): Promise<never> {
  await out?.emptied();
  await err?.emptied();
  process.exit();
}

const input: Input = {
  get isTty() {
    return isatty(0);
  },
  async *bytes() {
    for await (const chunk of process.stdin) yield chunk as Uint8Array;
  },
  async line() {
    const { createInterface } = await import("node:readline/promises");
    const reader = createInterface({ input: process.stdin });
    try {
      return await new Promise<string | null>((resolve) => {
        reader.once("line", resolve);
        reader.once("close", () => resolve(null));
      });
    } finally {
      reader.close();
    }
  },
};

const isGone = (fault: unknown): fault is HoldError =>
  fault instanceof HoldError && (fault.code === "unreachable" || fault.code === "timed_out");

interface Here extends Pick<Context, "env" | "cwd"> {
  readonly contexts: Contexts;
}

export class RealContext implements Context {
  readonly env: Context["env"];
  readonly cwd: string;
  readonly input = input;
  readonly out = stdoutOutput();
  readonly err = stderrOutput();
  readonly paint: Paint = paintFor(this.out.isTty, process.env);
  readonly errPaint: Paint = paintFor(this.err.isTty, process.env);
  readonly table: CommandTable;
  readonly json: boolean;
  readonly #globals: Globals;
  /** What an invitation or a login has led to, in place of what was named. */
  #found: Target | undefined;
  readonly #target: Target;
  readonly tail: readonly string[] | undefined;
  readonly version: string;
  readonly #passphraseFd: number | undefined;
  readonly #stop = new AbortController();
  #client: Promise<HostClient> | undefined;
  #settings: Promise<Settings> | undefined;
  #outer: Promise<Outer> | undefined;
  #listening = false;
  #remote: Remote | undefined;

  constructor(table: CommandTable, globals: Globals, version: string, { env, cwd, contexts }: Here) {
    this.env = env;
    this.cwd = cwd;
    this.table = table;
    this.json = globals.json;
    this.#globals = globals;
    this.#target = targetOf(globals, process.env, contexts);
    this.tail = globals.tail;
    this.#passphraseFd = globals.passphraseFd;
    this.version = version;
  }

  now(): number {
    return Date.now();
  }

  get cancelled(): AbortSignal {
    if (!this.#listening) {
      this.#listening = true;
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.once(signal, () => {
          this.#stop.abort(constants.signals[signal]);
          // A second one ends us at once, as if we had not listened.
        });
      }
    }
    return this.#stop.signal;
  }

  async home(): Promise<string> {
    return (await import("@holdfast/sdk/node")).homeFolder(process.env);
  }

  async configFolder(): Promise<string> {
    return (await import("@holdfast/sdk/node")).configFolder(process.env);
  }

  settings(): Promise<Settings> {
    this.#settings ??= (async () => {
      const { loadSettings } = await import("../config/settings.ts");
      return loadSettings(await this.configFolder(), process.env);
    })();
    return this.#settings;
  }

  client({ start = true, record }: ClientOptions = {}): Promise<HostClient> {
    this.#client ??= this.#connectOrRead(start, record);
    return this.#client;
  }

  get origin(): Origin | undefined {
    return this.#mirror?.origin;
  }

  /** The host, or where it does not answer and its context names a mirror, what that has of it. */
  async #connectOrRead(start: boolean, record: string | null | undefined): Promise<HostClient> {
    const { mirror, url, relays } = this.#meant;
    if (this.#globals.fromMirror) {
      if (record === undefined)
        throw usage(
          "that is asked of a host, and a mirror has only its record; leave --from-mirror, or what follows or waits, away",
        );
      return (await this.#openMirror("")).client(record, this.version);
    }
    if (mirror === undefined) return this.#reached(start);
    if (url === undefined && relays.length === 0) {
      if (record === undefined) throw usage(`all that the context ${mirror} names is a mirror, which has a record and no host`);
      return (await this.#openMirror("")).client(record, this.version);
    }
    try {
      return await this.#reached(start);
    } catch (fault) {
      if (!isGone(fault)) throw fault;
      if (record !== undefined) return (await this.#openMirror(fault.message)).client(record, this.version);
      const hint = `; its record is in the mirror of the context ${mirror}: hold log, screen, show, ls and export answer from there`;
      throw new HoldError(fault.code, `${fault.message}${hint}`, fault.details, { cause: fault });
    }
  }

  /** Why the host whose mirror is known does not answer; empty: the mirror is all there is of it. Null: it does, or no mirror is known. */
  async #unanswered(): Promise<string | null> {
    const { mirror, url, relays } = this.#meant;
    if (mirror === undefined) return null;
    if (url === undefined && relays.length === 0) return "";
    this.#client ??= this.#reached(false);
    try {
      await this.#client;
      return null;
    } catch (fault) {
      if (isGone(fault)) return fault.message;
      throw fault;
    }
  }

  /** `why` no host was asked, or none answered. */
  async #openMirror(why: string): Promise<FromMirror> {
    const { mirror } = this.#meant;
    if (mirror === undefined)
      throw usage(
        "no mirror is known: name the context that has one (--context), or set one: hold context set NAME --mirror URL",
      );
    const { FromMirror } = await import("../mirror/record.ts");
    this.#mirror ??= await FromMirror.open(await this.configFolder(), mirror);
    if (!this.json) {
      const told = `from the mirror ${this.#mirror.url}, as of ${this.#mirror.origin.asOf}: nothing of this is live${why ? ` (${why})` : ""}`;
      this.err.write(`${this.errPaint.yellow(told)}\n`);
    }
    return this.#mirror;
  }
  #mirror: FromMirror | undefined;

  async recordPage(redeemMs: number, instead: boolean): Promise<RecordPage | null> {
    const why = this.#globals.fromMirror ? "" : instead ? await this.#unanswered() : null;
    if (why === null) return null;
    const mirror = await this.#openMirror(why);
    const page = await mirror.page(redeemMs);
    return { ...page, close: () => mirror.close() };
  }

  async connectAt({ host, relay, as }: ConnectPlace): Promise<HostClient> {
    const { connect, homeFolder } = await import("@holdfast/sdk/node");
    const { url, relays } = targetOf({ host, relay, context: undefined, as }, {}, { current: "", places: {} });
    if (url === undefined) return this.#link(await import("@holdfast/sdk/node"), false, as, "cli");
    const passphrase = (key: { readonly name: string; readonly attempt: number }) => this.#passphrase(key);
    return connect({
      url,
      relays: relays.slice(1),
      home: homeFolder(process.env),
      passphrase,
      via: "cli",
      client: `hold/${this.version}`,
      ...(as === undefined ? {} : { as }),
    });
  }

  async #reached(start: boolean): Promise<HostClient> {
    return this.#watched(await this.#connect(start));
  }

  /** What the host's record says against what was seen of it is told before anything else, and stops nothing. */
  async #watched(client: HostClient): Promise<HostClient> {
    client.witness.onAlarm((alarm) => this.#tellAlarm(alarm));
    const late = new AbortController();
    await Promise.race([client.witness.checked(), delay(CHECK_MS, null, { signal: late.signal, ref: false }).catch(() => null)]);
    late.abort();
    // Told in a moment.
    await Promise.resolve();
    return client;
  }

  #tellAlarm(alarm: HoldError): void {
    if (this.#heldAlarms) this.#heldAlarms.push(alarm);
    else if (!this.#isTold) {
      this.#isTold = true;
      // A warning: what the command comes to is its own.
      report(alarm, this.err, { json: this.json, paintCode: this.errPaint.red, exit: 0 });
    }
  }
  #isTold = false;
  #heldAlarms: HoldError[] | null = null;

  holdAlarms(): () => void {
    const held: HoldError[] = [];
    this.#heldAlarms = held;
    return () => {
      this.#heldAlarms = null;
      for (const alarm of held) this.#tellAlarm(alarm);
    };
  }

  reach(remote: Remote): void {
    const { host, relay, context } = this.#globals;
    const named = host ?? relay ?? context;
    if (named !== undefined)
      throw usage(`a session of another machine is reached through ssh, and ${named} is named too: give one of the two`);
    this.#remote = remote;
  }

  get #meant(): Target {
    return this.#found ?? this.#target;
  }

  get host(): string | undefined {
    return this.#meant.url;
  }

  get relayUrls(): readonly string[] {
    return this.#meant.relays;
  }

  get as(): string | undefined {
    return this.#meant.as;
  }

  get remote(): Remote | undefined {
    return this.#remote;
  }

  async connectAs(name: string | undefined, via: "cli" | "mcp"): Promise<HostClient> {
    const sdk = await import("@holdfast/sdk/node");
    return this.#link(sdk, true, name, via);
  }

  async connectBearing(grant: string): Promise<HostClient> {
    const sdk = await import("@holdfast/sdk/node");
    return sdk.connect({ home: sdk.homeFolder(process.env), grant, via: "mcp", client: `hold/${this.version}` });
  }

  get program(): string {
    const beside = join(dirname(process.argv[1] ?? ""), "..", "bin", "hold");
    return existsSync(beside) ? beside : "hold";
  }

  async #connect(start: boolean): Promise<HostClient> {
    const sdk = await import("@holdfast/sdk/node");
    if (this.#remote) return (await import("./remote.ts")).connectRemote(this, this.#remote);
    const home = sdk.homeFolder(process.env);
    const there = await this.#there();
    if (there !== null)
      return sdk.connect({
        ...there,
        home,
        passphrase: (key) => this.#passphrase(key),
        via: "cli",
        client: `hold/${this.version}`,
        witness: sdk.witnessFile(await this.#witnessed()),
        ...(this.as === undefined ? {} : { as: this.as }),
      });
    if (start && this.err.isTty && !this.json) {
      const { firstUse } = await import("./notice.ts");
      await firstUse(home, this.err, await this.configFolder());
    }
    return this.#link(sdk, start, this.as, "cli");
  }

  /** Where the host is that is meant, and by which relays besides; null: on this machine. */
  async #there(): Promise<{ readonly url: string; readonly relays: readonly string[] } | null> {
    const { host, relayUrls: relays } = this;
    if (host !== undefined) return { url: host, relays: relays.slice(1) };
    if (relays.length === 0) return null;
    const { id, relay } = await this.#onlyHost();
    return { url: relayedAddress(relay, id), relays: relays.filter((other) => other !== relay) };
  }

  /** The host behind the relays that is meant where none was named: the one that there is. */
  async #onlyHost(): Promise<FoundHost> {
    const hosts = await this.findHosts();
    const [only] = hosts;
    if (only && hosts.length === 1) return only;
    const named = this.relayUrls.join(", ");
    throw new HoldError(
      "unreachable",
      hosts.length === 0
        ? `no host that lets you in is connected to ${named} now`
        : `${hosts.length} hosts of ${named} let you in (${hosts.map((h) => h.name).join(", ")}); say which: --host NAME, or HOST/SESSION`,
    );
  }

  async #link(
    sdk: typeof import("@holdfast/sdk/node"),
    start: boolean,
    as: string | undefined,
    via: "cli" | "mcp",
  ): Promise<HostClient> {
    const home = sdk.homeFolder(process.env);
    return sdk.connect({
      home,
      via,
      client: `hold/${this.version}`,
      witness: sdk.witnessFile(await this.#witnessed()),
      passphrase: (key) => this.#passphrase(key),
      ...(as === undefined ? {} : { as }),
      ...(start ? { startHost: async () => (await import("@holdfast/host/start")).startHost({ home, env: process.env }) } : {}),
    });
  }

  async #passphrase({ name, attempt }: { readonly name: string; readonly attempt: number }): Promise<string | null> {
    const { askSecret, secretFrom } = await import("../read/secret.ts");
    // A descriptor has one answer.
    if (this.#passphraseFd !== undefined) return attempt === 1 ? secretFrom(this.#passphraseFd) : null;
    return askSecret(`${attempt === 1 ? "" : "that was not it. "}passphrase for the key of ${name}: `);
  }

  async secret(prompt: string, fd: number | undefined): Promise<string> {
    const { askSecret, secretFrom } = await import("../read/secret.ts");
    return fd === undefined ? askSecret(prompt, "--secret-fd") : secretFrom(fd, "--secret-fd");
  }

  async newPassphrase(name: string): Promise<string> {
    const { askNewSecret, secretFrom } = await import("../read/secret.ts");
    return this.#passphraseFd === undefined ? askNewSecret(name) : secretFrom(this.#passphraseFd);
  }

  async reconnect(): Promise<HostClient> {
    const old = this.#client;
    this.#client = this.#connect(true).then((client) => this.#watched(client));
    (await old?.catch(() => undefined))?.close();
    return this.#client;
  }

  async bridge(): Promise<undefined> {
    const { bridgeStdio } = await import("@holdfast/sdk/node");
    const home = await this.home();
    await bridgeStdio({
      home,
      ...(this.as === undefined ? {} : { as: this.as }),
      startHost: async () => (await import("@holdfast/host/start")).startHost({ home, env: process.env }),
    });
  }

  async lookAtHost(url: string): Promise<SeenHost> {
    const { knownHostId, lookAtHost, rememberHost } = await import("@holdfast/sdk/node");
    const home = await this.home();
    const { address, id, key } = await lookAtHost(url, { home, as: this.as, passphrase: (k) => this.#passphrase(k) });
    return { address, id, knownId: knownHostId(home, address), remember: async () => rememberHost(home, address, key) };
  }

  async join(invite: string, { name, passphrase }: JoinWish): Promise<Joined> {
    const { joinByInvite } = await import("@holdfast/sdk/node");
    const home = await this.home();
    const joined = await joinByInvite({ home, invite, name, passphrase, via: "cli", client: `hold/${this.version}` });
    this.#found = { url: joined.url ?? undefined, relays: [], as: joined.as };
    return joined;
  }

  async logIn({ name, show }: LogInOptions): Promise<LoggedIn> {
    const { logIn } = await import("@holdfast/sdk/login");
    const home = await this.home();
    const loggedIn = await logIn({ home, name, show, url: this.host, client: `hold/${this.version}`, signal: this.cancelled });
    this.#found = { ...this.#meant, as: loggedIn.as };
    return loggedIn;
  }

  async hostAnew({ listen, oidc, ssh }: HostWishes): Promise<HostClient> {
    const { hostDown, readListen, readOidc, readSsh, startHost } = await import("@holdfast/host/start");
    if (listen) readListen(listen);
    if (oidc) readOidc(oidc.issuer, oidc.clientId);
    if (ssh !== undefined) readSsh(ssh);
    const home = await this.home();
    const running = await this.client({ start: false }).catch((error: { readonly code?: string }) => {
      if (error.code === "unreachable") return null;
      throw error;
    });
    if (running) await running.down();
    running?.close();
    await hostDown({ home, end: running === null });
    await startHost({ home, env: process.env, listen, oidc, ssh });
    this.#client = this.#connect(false).then((client) => this.#watched(client));
    return this.#client;
  }

  async hostDown({ end }: { readonly end: boolean }): Promise<boolean> {
    const { hostDown } = await import("@holdfast/host/start");
    return hostDown({ home: await this.home(), end });
  }

  relays(): Promise<typeof import("@holdfast/relay")> {
    return import("@holdfast/relay");
  }

  async findHosts(): Promise<readonly FoundHost[]> {
    const { findHosts } = await import("@holdfast/sdk/node");
    return findHosts(this.relayUrls, { home: await this.home(), as: this.as, passphrase: (key) => this.#passphrase(key) });
  }

  outer(): Promise<Outer> {
    this.#outer ??= import("../terminal/outer.ts").then(({ openOuter }) => openOuter());
    return this.#outer;
  }

  async keys(): Promise<KeyStore> {
    const sdk = await import("@holdfast/sdk/node");
    const home = sdk.homeFolder(process.env);
    const { rm } = await import("node:fs/promises");
    return {
      names: async () => sdk.credentialNames(home),
      generate: async (name, passphrase) =>
        passphrase === undefined ? sdk.generateKey(home, name) : sdk.generateSealedKey(home, name, passphrase),
      discard: (path) => rm(path, { force: true }),
    };
  }

  async verifyAudit(
    onProgress: (done: number, total: number) => void,
    witnesses: readonly string[],
  ): Promise<AsyncIterable<AuditFinding>> {
    const { files } = await import("@holdfast/sdk/node");
    const named = witnesses.map((from) => ({ from, isNamed: true }));
    const seen = { from: await this.#witnessed(), isNamed: false };
    if (this.#globals.fromMirror) return (this.#mirror ?? (await this.#openMirror(""))).verifyAudit(onProgress, [...named, seen]);
    const far = await this.#farRecord();
    if (far) {
      if (witnesses.length > 0)
        throw usage(
          "--witness is held against files, and those of a host elsewhere are there; hold audit heads asks what its relay keeps",
        );
      const { farFindings } = await import("../record/far-audit.ts");
      return farFindings(far, onProgress, this.cancelled);
    }
    if (this.#mirror) return this.#mirror.verifyAudit(onProgress, [...named, seen]);
    const { verifyAudit } = await import("@holdfast/host/audit");
    const home = await this.home();
    return verifyAudit(home, onProgress, [...named, seen, { from: files.witnessed(home), isNamed: false }]);
  }

  /** Whose record it is where another host is meant; null: its files are here, or in the mirror that answered in its place. */
  async #farRecord(): Promise<HostClient | null> {
    const { url, relays, mirror } = this.#meant;
    if (url === undefined && relays.length === 0 && mirror === undefined) return null;
    const client = await this.client({ record: null });
    return this.#mirror ? null : client;
  }

  async relayHeads(): Promise<KeptByRelay | null> {
    const { isRelayed, relayHeads } = await import("@holdfast/sdk/node");
    const there = await this.#there();
    if (there === null || !isRelayed(there.url)) return null;
    return relayHeads(there, { home: await this.home(), as: this.as, passphrase: (key) => this.#passphrase(key) });
  }

  /** Beside the settings, and not in the home: a home that is put back to a copy must not take what was seen of it along. */
  async #witnessed(): Promise<string> {
    return join(await this.configFolder(), "witnessed");
  }

  async auditRecords(filter: AuditFilter): Promise<AsyncIterable<AuditRecord>> {
    if (this.#globals.fromMirror) return (this.#mirror ?? (await this.#openMirror(""))).auditRecords(filter);
    const far = await this.#farRecord();
    if (far) return (await import("../record/far-audit.ts")).farRecords(far, filter, this.cancelled);
    if (this.#mirror) return this.#mirror.auditRecords(filter);
    const { auditRecords } = await import("@holdfast/host/audit");
    return auditRecords(await this.home(), filter);
  }

  /** Closes what was opened. Output still in flight is {@link leave}'s to finish. */
  async end(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    client?.close();
    await this.#mirror?.close();
    if (this.#outer) (await this.#outer).restore();
  }
}
