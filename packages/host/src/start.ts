/**
 * Starting and ending the host: through the keeper, outside of whatever session or login the caller is in.
 *   S1  Who starts a host that can't is told why, and at once where the host could still say it.
 *   S2  Down is down: neither the host nor its keeper runs any more.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:net";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { files, folders, makeHome, withShortPath } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import { findShim, keeperStatus, startKeeper } from "@holdfast/shim";
import { type ListenWish, readListen } from "@holdfast/carrier/listen";
import { type OidcSettings, readOidc } from "./operator/oidc.ts";
import { readSsh } from "./ssh/wish.ts";
import { isDiskFull, reasonAfter, sizeOf } from "./start-log.ts";

export { type ListenWish, type OidcSettings, readListen, readOidc, readSsh };

export interface StartOptions {
  readonly home: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait until it serves. Default 15 s. */
  readonly timeoutMs?: number;
  /** Where it listens besides its socket, for as long as its keeper lives; without, what `config.toml` says. */
  readonly listen?: ListenWish | undefined;
  /** Where people log in, for as long; without, what `config.toml` says. */
  readonly oidc?: OidcSettings | undefined;
  /** Where it takes ssh clients, `ADDRESS:PORT`, for as long; without, what `config.toml` says. */
  readonly ssh?: string | undefined;
  /** The host's program. Default: the one that belongs to this code, built or from its source. */
  readonly program?: string | undefined;
}

/** What of the caller's environment the host is given: it runs nobody's programs itself. */
const PASSED_ON = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "HOLDFAST_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"];

/** How often the keeper is looked after while its host is waited for. */
const KEEPER_MS = 1_000;

/** A young generation that a flood's buffers fit in: a quarter of the host's time went into collecting a smaller one. */
const HOST_FLAGS = ["--max-semi-space-size=16"];
/** More of Node's flags for the host, for who profiles it. `NODE_OPTIONS` is the caller's programs' and never reaches it. */
const MORE_FLAGS = "HOLDFAST_HOST_FLAGS";

/**
 * glibc would raise both by itself, up to 32 MiB, once a large buffer was freed, and from then on give nothing back: after a flood in 20
 * sessions the host kept 60 MB. Fixed at what they begin with.
 */
const HOST_MEMORY = { MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_TRIM_THRESHOLD_: "131072" };

/** Resolves when the host serves; starts the keeper if none holds the home. */
export async function startHost({
  home,
  env = process.env,
  timeoutMs = 15_000,
  listen,
  oidc,
  ssh,
  program = ownProgram(),
}: StartOptions): Promise<void> {
  if (listen) readListen(listen);
  if (oidc) readOidc(oidc.issuer, oidc.clientId);
  if (ssh !== undefined) readSsh(ssh);
  try {
    makeHome(home);
  } catch (cause) {
    const { message } = cause as Error;
    throw new HoldError(
      "unreachable",
      `no host can be started in ${home} (${message}); set HOLDFAST_HOME to a folder of your own, \`hold doctor\` checks it`,
      { home },
      { cause },
    );
  }
  let binary: string;
  try {
    binary = findShim({ cacheDir: folders.tools(home) });
  } catch (cause) {
    throw new HoldError("shim_unavailable", (cause as Error).message.replace(/^\[shim_unavailable\] /, ""), {}, { cause });
  }
  const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const keeper = {
    binary,
    runDir: folders.run(home),
    logFile: files.log(home),
    hostArgv: [
      process.execPath,
      ...HOST_FLAGS,
      ...(env[MORE_FLAGS]?.split(" ").filter(Boolean) ?? []),
      program,
      "--home",
      home,
      "--shim",
      binary,
      ...listenArguments(listen),
      ...(oidc ? [`--oidc-issuer=${oidc.issuer}`, `--oidc-client-id=${oidc.clientId}`] : []),
      ...(ssh === undefined ? [] : [`--ssh=${ssh}`]),
    ],
    env: { ...passed, ...HOST_MEMORY },
  };
  let lookAt = 0;
  const log = files.log(home);
  const logFrom = sizeOf(log);
  for (const deadline = performance.now() + timeoutMs; ; ) {
    // Again and again: the keeper that was found running may have been about to end.
    if (performance.now() >= lookAt) {
      await startKeeper(keeper).catch((cause: Error) => {
        throw new HoldError(
          "unreachable",
          `the host's keeper can't be started: ${cause.message}; \`hold doctor\` says more`,
          { home },
          { cause },
        );
      });
      lookAt = performance.now() + KEEPER_MS;
      if (isDiskFull(home) && (await isDying(home))) throw cannot(home, "the disk of its home is full");
    }
    if (await answers(files.socket(home))) return;
    const why = reasonAfter(log, logFrom);
    if (why !== null) throw cannot(home, why);
    if (performance.now() > deadline)
      throw new HoldError("unreachable", `the host was started and does not serve after ${timeoutMs / 1000} s; its log: ${log}`, {
        home,
      });
    await delay(10);
  }
}

function cannot(home: string, why: string): HoldError {
  return new HoldError(
    "unreachable",
    `the host can't start: ${why}; mend that and run the command again. Its log is ${files.log(home)}, \`hold doctor\` says more`,
    { home, reason: why },
  );
}

/** The keeper waits before it starts the next one: the ones before it died young. */
async function isDying(home: string): Promise<boolean> {
  return keeperStatus(folders.run(home)).then(
    (s) => s.hostStarts > 1,
    () => false,
  );
}

export interface DownOptions {
  readonly home: string;
  /** False: the host goes by itself, and is only waited for. True: the keeper is told to end it. */
  readonly end: boolean;
  /** How long to wait. Default 15 s, more than a host takes to leave. */
  readonly timeoutMs?: number;
}

/** S2. Resolves with whether a keeper ran; rejects with `unreachable` if it is there still when the time is over. */
export async function hostDown({ home, end, timeoutMs = 15_000 }: DownOptions): Promise<boolean> {
  let told = false;
  let ran = false;
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const keeper = await keeperStatus(folders.run(home)).catch((fault: Error) => {
      if (/\bE(NOENT|CONNREFUSED|CONNRESET|PIPE)\b|closed the connection/.test(fault.message)) return null;
      throw new HoldError("unreachable", `the host's keeper can't be asked: ${fault.message}`, { home }, { cause: fault });
    });
    if (!keeper) return ran;
    ran = true;
    if (end && !told) {
      told = true;
      process.kill(keeper.keeperPid, "SIGTERM");
    }
    if (performance.now() > deadline)
      throw new HoldError(
        "unreachable",
        `the host is not down: its keeper runs as pid ${keeper.keeperPid}${keeper.hostPid > 0 ? `, the host as pid ${keeper.hostPid}` : ""}; look at \`hold host logs\`, then end them with kill. Sessions are in processes of their own`,
        { home, keeper: String(keeper.keeperPid), host: String(keeper.hostPid) },
      );
    await delay(20);
  }
}

function listenArguments(wish: ListenWish | undefined): string[] {
  if (!wish) return [];
  const { listen, tlsCert, tlsKey, allowHosts = [], allowOrigins = [] } = wish;
  return [
    `--listen=${listen}`,
    // The keeper's folder is not the caller's.
    ...(tlsCert ? [`--tls-cert=${resolve(tlsCert)}`] : []),
    ...(tlsKey ? [`--tls-key=${resolve(tlsKey)}`] : []),
    ...allowHosts.map((name) => `--allow-host=${name}`),
    ...allowOrigins.map((origin) => `--allow-origin=${origin}`),
    ...(wish.console ? ["--console"] : []),
  ];
}

function ownProgram(): string {
  const here = import.meta.dirname;
  // Bundled: beside dist/host.mjs; from source: this folder.
  return join(here, import.meta.filename.endsWith(".ts") ? "main.ts" : "host.mjs");
}

function answers(path: string): Promise<boolean> {
  if (!existsSync(path)) return Promise.resolve(false);
  return withShortPath(
    path,
    (short, done) =>
      new Promise((resolve) => {
        const socket = connect(short);
        const over = (ok: boolean): void => {
          done();
          socket.destroy();
          resolve(ok);
        };
        socket.once("connect", () => over(true));
        socket.once("error", () => over(false));
      }),
  );
}
