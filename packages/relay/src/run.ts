/** A relay as a program: its folder, its key, where it listens, and its end. */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { pinOf } from "@holdfast/carrier/grpc";
import { containerFor } from "@holdfast/carrier/tls";
import { type ListenWish, pageFolder, readPage } from "@holdfast/carrier/listen";
import { HoldError } from "@holdfast/protocol";
import { askRelay, serveAdmin } from "./admin.ts";
import { FileHeadStore } from "./head-store.ts";
import { FileBook } from "./book.ts";
import { meantBy } from "./identity.ts";
import type { NatsWish } from "./nats/connect.ts";
import type { GroupParts, NatsGroup } from "./nats/group.ts";
import { Relay } from "./relay.ts";
import { Quotas } from "./quotas.ts";
import { listenGrpc } from "./server.ts";
import type { Web, WebParts } from "./web.ts";

export interface RunOptions {
  /** Of the relay alone; made if it is not there. */
  readonly folder: string;
  /** `ADDRESS:PORT`; port 0: any. */
  readonly listen: string;
  /** PEM files. Without, an address that is not of this machine's loopback has a certificate of the relay's own key, by which others know it. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** What others call it, where that is no name of its certificate. */
  readonly public?: string | undefined;
  /** The web side (web.ts); without, there is none. Its certificate is the one above. */
  readonly web?: WebWish | undefined;
  /** Where it meets other relays (nats/group.ts); without, it is alone and has a book of its own. */
  readonly nats?: NatsWish | undefined;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface WebWish extends Pick<ListenWish, "listen" | "allowHosts" | "allowOrigins"> {
  /** Serves the console's page. `at`: where browsers find it, `https://console.example`; default: by `public`, else where it listens. */
  readonly console?: { readonly at?: string | undefined } | undefined;
}

export interface Running {
  readonly relay: Relay;
  readonly port: number;
  readonly isPlain: boolean;
  /** Of a certificate that no authority has signed; else empty. */
  readonly pin: string;
  /** `https://relay.example:7445`; null: there is none. */
  readonly web: { readonly url: string; readonly isPlain: boolean } | null;
  /** Where the console's page is; empty: it is not served. */
  readonly page: string;
  /** Ends it, in 5 s at most: hosts and operators are told to go elsewhere first. */
  drain(): Promise<void>;
  close(): void;
}

/** Longer than hosts wait before they dial again a relay that was away for some seconds (carrier/grpc/pace.ts). */
const GATHER_MS = 2_500;
/** As long as what is under way may take to arrive. */
const DRAIN_MS = 5_000;

export const adminSocket = (folder: string): string => join(folder, "relay.sock");

/** Resolves when it takes calls. Throws `start_failed` or `usage`. */
export async function runRelay({ folder, listen, tls, public: name, web, nats, log }: RunOptions): Promise<Running> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await checkAlone(folder);
  const wallMs = (): number => Date.now();
  const metrics = web && new (await import("./metrics.ts")).Metrics();
  const isPlain = tls === undefined && isLoopback(listen);
  const own = tls === undefined && !isPlain ? ownCertificate(folder) : undefined;
  const certificate = certificateIn(own ?? tls);
  const page = web?.console && readPage(pageFolder(import.meta.dirname));
  const group = nats && (await joinGroup(nats, { name: name ?? listen, wallMs, log }));
  const relay = new Relay({
    version: process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev",
    ...(group ? { group, book: group.book } : { book: FileBook.open(join(folder, "book.json")) }),
    quotas: Quotas.open(join(folder, "limits.json")),
    isMe: meantBy(certificate, name),
    ...{ wallMs, log, gatherMs: GATHER_MS },
    heads: group?.heads ?? new FileHeadStore(join(folder, "heads")),
    ...(metrics && { met: metrics.met }),
  });
  const grpc = await listenGrpc(relay, { listen, tls: tls ?? own });
  const webTls = web && (tls ?? (isLoopback(web.listen) ? undefined : ownCertificate(folder)));
  const names = [name, web?.console?.at && new URL(web.console.at).hostname];
  const webParts = metrics && { relay, metrics, isMe: meantBy(certificateIn(webTls), ...names), ...(page && { page }) };
  const { console: served, ...where } = web ?? { listen: "" };
  const tlsFiles = { tlsCert: webTls?.cert, tlsKey: webTls?.key };
  const listening = web && webParts && (await listenWebAs(webParts, { ...where, ...tlsFiles }));
  if (served && listening) relay.page = served.at ?? pageUrl(listening, name);
  rmSync(adminSocket(folder), { force: true });
  const admin = await serveAdmin(relay, adminSocket(folder), wallMs);
  const pinned = certificate ?? certificateIn(webTls);
  const pin = pinned ? ownPin(pinned) : "";
  await group?.rename(name ?? `${isPlain ? listen.replace(/:\d+$/, "") : hostname()}:${grpc.port}`);
  const facts = { address: listen, port: grpc.port, tls: !isPlain, pid: process.pid, web: listening?.url };
  log("listening", { ...facts, ...(relay.page === "" ? {} : { page: relay.page }) });
  const close = (): void => {
    admin.close();
    listening?.close();
    grpc.close();
    rmSync(adminSocket(folder), { force: true });
  };
  return {
    ...{ relay, port: grpc.port, isPlain, pin },
    web: listening ? { url: listening.url, isPlain: webTls === undefined } : null,
    page: relay.page,
    async drain() {
      await relay.drain(DRAIN_MS);
      await relay.group.leave();
      close();
    },
    close,
  };
}

async function joinGroup(wish: NatsWish, parts: GroupParts): Promise<NatsGroup> {
  const { NatsGroup: Joined } = await import("./nats/group.ts");
  return Joined.join(wish, parts);
}

/** A certificate is for the name that others use, and not for the address that is listened on. */
function pageUrl({ url, port }: Web, name: string | undefined): string {
  return name === undefined ? url : new URL(`${new URL(url).protocol}//${name}:${port}`).origin;
}

/** Two would write one book over each other. */
async function checkAlone(folder: string): Promise<void> {
  const answers = existsSync(adminSocket(folder)) && (await askRelay(adminSocket(folder), "hosts", {}).catch(() => null));
  if (answers)
    throw new HoldError("start_failed", `a relay runs with ${folder} already; stop it, or give this one another --folder`);
}

async function listenWebAs(parts: WebParts, wish: ListenWish): Promise<Web> {
  const { listenWeb } = await import("./web.ts");
  parts.metrics.show(parts.relay);
  return listenWeb(parts, wish);
}

function isLoopback(listen: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(listen);
}

/** Made once, and known from then on by its key. */
function ownCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const files = { cert: join(folder, "relay.pem"), key: join(folder, "relay.key") };
  if (!existsSync(files.key)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(`${files.key}.new`, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600, flush: true });
    writeFileSync(files.cert, containerFor(privateKey), { mode: 0o600, flush: true });
    renameSync(`${files.key}.new`, files.key);
  }
  return files;
}

function certificateIn(files: { readonly cert: string } | undefined): X509Certificate | null {
  return files ? new X509Certificate(readFileSync(files.cert)) : null;
}

/** Empty where somebody else has signed it: then authorities say whose it is. */
function ownPin(certificate: X509Certificate): string {
  if (!certificate.checkIssued(certificate)) return "";
  return pinOf(certificate.publicKey.export({ format: "der", type: "spki" }));
}
