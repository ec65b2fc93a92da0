/**
 * The record of a host that may be gone, from its mirror: for the command line, in its own process (ADR 157). Whoever has the mirror's key can read
 * this; the host that wrote it is asked nothing.
 */
import { constants as fsConstants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { files, makeHome } from "@holdfast/carrier";
import type { Session } from "@holdfast/protocol";
import type { Seen } from "./head.ts";
import { pathIn, placesOf } from "./home-source.ts";
import { type KeptPage, serveKept, serveKeptPage } from "./kept-host.ts";
import { type MirrorAddress, openNatsStore } from "./nats-store.ts";
import { MirrorReader } from "./reader.ts";
import { mirrorKeys } from "./sealed.ts";
import { HoldError, withoutSecret } from "@holdfast/protocol";

export type { KeptPage } from "./kept-host.ts";
export type { Seen } from "./head.ts";

export interface MirrorPlace extends MirrorAddress {
  readonly hostId: string;
  readonly key: Uint8Array;
  /** Of an earlier reading: what is older is a mirror that was rolled back. */
  readonly seen: Seen | null;
}

export interface KnownOperator {
  readonly id: string;
  readonly name: string;
  readonly onBehalfOf: string;
}

/** Folders with what was fetched: this process leaves none behind, however it ends, unless it is killed. */
const made = new Set<string>();
function clear(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  made.clear();
}
function clearAtEnd(): void {
  process.once("exit", clear);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      clear();
      process.exit(128 + constants.signals[signal]);
    });
}

export class MirroredRecord {
  readonly #reader: MirrorReader;
  readonly #closing: (() => Promise<void>)[] = [];

  readonly #place: { readonly url: string; readonly bucket: string };

  private constructor(reader: MirrorReader, { url, bucket }: MirrorAddress) {
    this.#reader = reader;
    this.#place = { url: withoutSecret(url), bucket };
  }

  /** Throws `unreachable` where nobody answers, `mirror_tampered` for what its host did not write. */
  static async open({ hostId, key, seen, ...address }: MirrorPlace): Promise<MirroredRecord> {
    const store = await openNatsStore(address, false).catch((fault: unknown) => {
      throw new HoldError(
        "unreachable",
        `the mirror can't be reached: ${fault instanceof Error ? fault.message : String(fault)}`,
        {},
        { cause: fault },
      );
    });
    try {
      return new MirroredRecord(await MirrorReader.open(store, mirrorKeys(key), hostId, seen), address);
    } catch (fault) {
      await store.close();
      throw fault;
    }
  }

  get asOfUnixMs(): number {
    return this.#reader.head.asOfUnixMs;
  }
  get seen(): Seen {
    const { epoch, serial } = this.#reader.head;
    return { epoch, serial };
  }

  sessions(): readonly Session[] {
    return this.#reader.sessions();
  }

  ledgerHead(): {
    readonly lsn: number;
    readonly chain: Uint8Array;
    readonly signature: Uint8Array;
    readonly publicKey: Uint8Array;
  } {
    const { ledger, auditKey } = this.#reader.head;
    const bytes = (text: string): Uint8Array => Buffer.from(text, "base64");
    return { lsn: ledger.lsn, chain: bytes(ledger.chain), signature: bytes(ledger.signature), publicKey: bytes(auditKey) };
  }

  /** What retention took before it could be copied. */
  get missed(): readonly string[] {
    return this.#reader.head.missed;
  }

  /** All of it, as a home that the audit can be read from. */
  async whole(): Promise<{ readonly home: string; readonly operators: readonly KnownOperator[] }> {
    const home = await this.#fetched(null);
    writeFileSync(files.auditPublicKey(home), this.ledgerHead().publicKey, { mode: 0o600 });
    writeFileSync(files.hostPublicKey(home), Buffer.from(this.#reader.head.hostKey, "base64"), { mode: 0o600 });
    return { home, operators: JSON.parse(readFileSync(pathIn(placesOf(home), "operators.json")!, "utf8")) as KnownOperator[] };
  }

  /** One session, as a home whose host is this process; `as`: whose key is in it. */
  async served(text: string): Promise<{ readonly home: string; readonly as: string }> {
    const id = this.#reader.find(text);
    const home = await this.#fetched(id);
    const { as, close } = await serveKept(home, id);
    this.#closing.push(close);
    return { home, as };
  }

  /** All of it, as the console's page on this machine's loopback; `redeemMs`: how long its link is good. */
  async page(redeemMs: number): Promise<KeptPage> {
    const { home } = await this.whole();
    const served = this.#folder();
    cpSync(home, served, { recursive: true, mode: fsConstants.COPYFILE_FICLONE });
    const { lsn, chain } = this.ledgerHead();
    const { missed, asOfUnixMs } = this;
    const page = await serveKeptPage(served, {
      recordOf: { ...this.#place, asOfUnixMs },
      untouched: home,
      origin: { witness: { lsn, chain, by: "the mirror's head", atUnixMs: asOfUnixMs }, missed },
      redeemMs,
    });
    this.#closing.push(() => page.close());
    return page;
  }

  async #fetched(session: string | null): Promise<string> {
    const home = this.#folder();
    const places = placesOf(home);
    makeHome(home);
    for (const folder of ["ledger", "payload"]) mkdirSync(join(places.journal, folder), { recursive: true, mode: 0o700 });
    await this.#reader.fetch(session, places);
    return home;
  }

  #folder(): string {
    const folder = mkdtempSync(join(tmpdir(), "hold-mirror-"));
    if (made.size === 0) clearAtEnd();
    made.add(folder);
    return folder;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
    await this.#reader.close();
    clear();
  }
}
