/**
 * One host as a page sees it: its client, whether the host answers, and its sessions.
 *   L1  `up` is said of a host that has answered since the link was made, and of no other: a socket that stands is no evidence.
 *   L2  A host that can't be reached is dialled again, from 0.5 s apart to 8 s, until somebody forgets it; one that refuses this key is not.
 *   L3  The sessions that were seen last stay, and views show them as of then.
 */
import { adviceOf, connect, HoldError, type HostClient, type Session, whereIs } from "@holdfast/sdk";
import { Store } from "../store.ts";
import { credentialOf, keepHost, type KnownHost } from "./known-hosts.ts";

export type HostState =
  | { readonly is: "connecting" }
  | { readonly is: "up"; readonly client: HostClient }
  | { readonly is: "offline"; readonly sinceUnixMs: number; readonly why: string }
  /** This browser's key is not, or no longer, known there, or the host is another one. */
  | { readonly is: "refused"; readonly code: string; readonly why: string };

export interface Rights {
  /** `session.create` */
  readonly names: ReadonlySet<string>;
  /** Of a guest: the one session that there is for it; null: all that there are. */
  readonly session: string | null;
}

export interface MirrorRecord {
  readonly url: string;
  readonly asOfUnixMs: number;
}

const FIRST_MS = 500;
const MOST_MS = 8_000;

export class HostLink {
  readonly host: KnownHost;
  readonly state = new Store<HostState>({ is: "connecting" });
  /** By id; null before the first answer. */
  readonly sessions = new Store<ReadonlyMap<string, Session> | null>(null);
  /** What this browser may do there, as the host said last; null: it has not. */
  readonly rights: Store<Rights | null>;
  /** Not null: no host answers here, but the record of one, from its mirror. */
  readonly record = new Store<MirrorRecord | null>(null);
  /** Whether there is a {@link record} is known. */
  #isTold = false;
  #isOver = false;
  #wake: (() => void) | null = null;
  #stop: () => void = () => {};

  constructor(host: KnownHost) {
    this.host = host;
    this.rights = new Store<Rights | null>(host.session === null ? null : { names: new Set(), session: host.session });
    void this.#live();
  }

  /** As this browser's person calls it; a record is called after its mirror, as nobody answers for a machine. */
  get name(): string {
    return this.record.value ? nameOfRecord(this.record.value) : this.host.name;
  }

  /** The client that answers now. Throws `unreachable`. */
  get client(): HostClient {
    const state = this.state.value;
    if (state.is === "up") return state.client;
    throw new HoldError("unreachable", `${this.name} does not answer now; the console dials again by itself`);
  }

  /** Resolves when it is known: true, the host answers this browser; false, it refuses it, or could not be reached at once. */
  settled(): Promise<boolean> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        const { is } = this.state.value;
        if (is === "connecting") return false;
        resolve(is === "up");
        return true;
      };
      if (look()) return;
      const stop = this.state.follow(() => look() && stop());
    });
  }

  /** The relay that leads there, `relay.example:7445`, which could read and forge what passes; null: none does. */
  get relay(): string | null {
    const where = whereIs(this.host.url);
    return "relay" in where ? new URL(where.relay).host : null;
  }

  /** Dials now, if it is waiting to. */
  retry(): void {
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    const state = this.state.value;
    if (state.is === "up") state.client.close();
    this.#stop();
    this.#wake?.();
  }

  async #live(): Promise<void> {
    let waitMs = FIRST_MS;
    while (!this.#isOver) {
      try {
        await this.#once(() => {
          waitMs = FIRST_MS;
        });
      } catch (fault) {
        const refused = refusalOf(fault);
        if (refused) return this.state.set(refused);
        const was = this.state.value;
        const why = fault instanceof Error ? fault.message : String(fault);
        this.state.set({ is: "offline", sinceUnixMs: was.is === "offline" ? was.sinceUnixMs : Date.now(), why });
        await this.#pause(waitMs * (0.75 + Math.random() / 2));
        waitMs = Math.min(MOST_MS, waitMs * 2);
      }
    }
  }

  async #once(answered: () => void): Promise<void> {
    const { url, hostKey } = this.host;
    const where = whereIs(url);
    const client = await connect({
      ...("url" in where ? { ...where, carriers: ["websocket", "http"] } : where),
      hostKey,
      credential: await credentialOf(this.host),
      client: "console",
    });
    // It was forgotten meanwhile.
    if (this.#isOver) return client.close();
    const over = new AbortController();
    this.#stop = () => over.abort();
    const { operator } = client.operator;
    if (operator) this.rights.set({ names: new Set(operator.capabilities), session: this.host.session });
    void this.#lookForRecord(client);
    try {
      await client.watchSessions(
        ({ sessions }) => {
          this.sessions.set(new Map(sessions.map((session) => [session.id, session])));
          if (this.state.value.is !== "up") this.state.set({ is: "up", client });
          answered();
        },
        { all: true, signal: over.signal },
      );
    } finally {
      client.close();
    }
  }

  /** Once: what this address leads to is a host, or a record, for good. A guest is told of one session, and of no host. */
  async #lookForRecord(client: HostClient): Promise<void> {
    if (this.#isTold || this.host.session !== null) return;
    try {
      const record = await recordBehind(client);
      this.#isTold = true;
      this.record.set(record);
      if (record && !this.#isOver) await keepHost({ ...this.host, name: this.name });
    } catch {
      // The next link asks again.
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** `record from nats.example` */
function nameOfRecord({ url }: MirrorRecord): string {
  return `record from ${URL.canParse(url) ? new URL(url).hostname : "a mirror"}`;
}

async function recordBehind(client: HostClient): Promise<MirrorRecord | null> {
  const { addresses } = await client.status();
  if (addresses["mirror"] === undefined) return null;
  const { url, asOfUnixMs } = await client.mirrorStatus();
  return { url, asOfUnixMs: Number(asOfUnixMs) };
}

function refusalOf(fault: unknown): HostState | null {
  if (!(fault instanceof HoldError) || adviceOf(fault.code) !== "stop") return null;
  return { is: "refused", code: fault.code, why: fault.message };
}
