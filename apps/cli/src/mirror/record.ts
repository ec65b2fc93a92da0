/**
 * A host's record from its mirror, as the commands that read take it: in place of the host's own client, one that answers from what was fetched.
 * Nothing of it is live, and who it is shown to is told so.
 */
import type { WitnessSource } from "@holdfast/host/audit";
import type { KeptPage, MirroredRecord } from "@holdfast/host/mirror";
import { HoldError, type HostClient, type Session, SessionState } from "@holdfast/sdk";
import type { AuditFinding, AuditRecord, Origin } from "../app/context.ts";
import { type KeptMirror, keepSeen, readMirror } from "./kept.ts";

type Whole = Awaited<ReturnType<MirroredRecord["whole"]>>;

export class FromMirror {
  readonly #record: MirroredRecord;
  readonly url: string;
  #whole: Promise<Whole> | null = null;

  private constructor(record: MirroredRecord, url: string) {
    this.#record = record;
    this.url = url;
  }

  static async open(folder: string, context: string): Promise<FromMirror> {
    const { MirroredRecord } = await import("@holdfast/host/mirror");
    const mirror: KeptMirror = readMirror(folder, context);
    const { url, bucket, creds, hostId, key, seen = null } = mirror;
    const place = { url, bucket, hostId, key: Buffer.from(key, "base64url"), seen, ...(creds === undefined ? {} : { creds }) };
    const record = await MirroredRecord.open(place);
    keepSeen(folder, context, mirror, record.seen);
    return new FromMirror(record, url.replaceAll(/\/\/[^@/]*@/g, "//"));
  }

  get origin(): Origin {
    return { from: "mirror", asOf: new Date(this.#record.asOfUnixMs).toISOString() };
  }

  /** `session`: that answers about this one; null: about none, and about all what was known of them. */
  async client(session: string | null, version: string): Promise<HostClient> {
    const known: Partial<HostClient> = {
      list: async (options = {}) => listed(this.#record.sessions(), options),
      auditHead: async () => ({ ...this.#record.ledgerHead(), folder: "" }),
    };
    if (session === null) {
      const operatorList = async (): Promise<never> => (await this.whole()).operators as never;
      return over({ ...known, operatorList, close: () => {} }, null);
    }
    const { connect } = await import("@holdfast/sdk/node");
    const { home, as } = await this.#record.served(session);
    return over(known, await connect({ home, as, via: "cli", client: `hold/${version}` }));
  }

  async verifyAudit(
    onProgress: (done: number, total: number) => void,
    sources: readonly WitnessSource[],
  ): Promise<AsyncIterable<AuditFinding>> {
    const { verifyAudit } = await import("@holdfast/host/audit");
    // First: a newer head may be read with it.
    const { home } = await this.whole();
    const { missed, asOfUnixMs } = this.#record;
    const { lsn, chain } = this.#record.ledgerHead();
    return verifyAudit(home, onProgress, sources, {
      witness: { lsn, chain, by: "the mirror's head", atUnixMs: asOfUnixMs },
      missed,
    });
  }

  async auditRecords(filter: { readonly actor?: string; readonly sinceMs?: number }): Promise<AsyncIterable<AuditRecord>> {
    const { auditRecords } = await import("@holdfast/host/audit");
    return auditRecords((await this.whole()).home, filter);
  }

  /** As the console's page; `redeemMs`: how long its link is good. */
  page(redeemMs: number): Promise<KeptPage> {
    return this.#record.page(redeemMs);
  }

  whole(): Promise<Whole> {
    this.#whole ??= this.#record.whole();
    return this.#whole;
  }

  close(): Promise<void> {
    return this.#record.close();
  }
}

/** As a host lists them: live ones, unless all are asked for. */
function listed(sessions: readonly Session[], { all, group }: { readonly all?: boolean; readonly group?: string }): Session[] {
  return sessions.filter((s) => (all || s.state === SessionState.RUNNING) && (group === undefined || s.group === group));
}

/** `known` first, then what `client` does; what neither does is a host's alone. */
function over(known: Partial<HostClient>, client: HostClient | null): HostClient {
  return new Proxy((client ?? {}) as HostClient, {
    get(target, name: string) {
      if (Object.hasOwn(known, name)) return known[name as keyof HostClient];
      if (name === "then") return undefined;
      const of = target[name as keyof HostClient] as unknown;
      if (of === undefined)
        return () =>
          Promise.reject(new HoldError("unsupported", "a mirror has only the record of its host: that is the host's to answer"));
      return typeof of === "function" ? of.bind(target) : of;
    },
  });
}
