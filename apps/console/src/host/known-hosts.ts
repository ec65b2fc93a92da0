/**
 * The hosts that this browser knows, in IndexedDB: where each is reached, the key that it is known by, and this browser's own key there.
 *   K1  A private key is WebCrypto's and not extractable: it signs for this page and can't be read out, by the page neither.
 *   K2  An invitation is taken up by a key that is kept in the same step; a page that is closed in between has spent the invitation, and asks for another.
 */
import {
  type Credential,
  credentialFrom,
  formatInvite,
  generateKeyPair,
  HoldError,
  joinByInvite,
  type KeyPair,
  parseInvite,
  whereIs,
} from "@holdfast/sdk";

export interface KnownHost {
  /** The host's id: 32 hex digits of the hash of its key. */
  readonly id: string;
  /** As this browser's person calls it; the host's own name at first. */
  readonly name: string;
  /** `ws://127.0.0.1:7434`, `wss://box.example:7433`; behind a relay `relay+wss://relay.example:7445/ID` */
  readonly url: string;
  readonly hostKey: Uint8Array;
  readonly pair: KeyPair;
  readonly operator: string;
  /** Of a guest: the one session that there is for it. */
  readonly session: string | null;
}

const DATABASE = "holdfast";
const HOSTS = "hosts";

export async function knownHosts(): Promise<KnownHost[]> {
  return request((store) => store.getAll(), "readonly");
}

export async function keepHost(host: KnownHost): Promise<void> {
  await request((store) => store.put(host), "readwrite");
}

export async function forgetHost(id: string): Promise<void> {
  await request((store) => store.delete(id), "readwrite");
}

export const credentialOf = ({ pair }: KnownHost): Promise<Credential> => credentialFrom(pair);

/** Takes an invitation up with a new key of this browser's. Throws {@link HoldError} with the host's reason. */
export async function joinHost(invitation: string): Promise<KnownHost> {
  const { hostKey, ...invited } = parseInvite(invitation);
  const id = await idOf(hostKey);
  const pair = await generateKeyPair();
  // Whoever served this page is most likely the host, by whatever name it was reached; by its key it is known either way.
  const own = location.origin.replace(/^http/, "ws");
  const at = invited.plain ? ownFirst(invited.at, `relay+${own}/`) : [own, ...invited.at];
  const joined = await joinByInvite({ invite: formatInvite({ ...invited, hostKey, at }), pair, client: "console" });
  const { url, operator, session } = joined;
  const host: KnownHost = { id, name: nameFor(url), url, hostKey, pair, operator, session };
  await keepHost(host);
  return host;
}

/** The relay that served this page answers here. */
function ownFirst(at: readonly string[], own: string): readonly string[] {
  return [...at.filter((address) => address.startsWith(own)), ...at.filter((address) => !address.startsWith(own))];
}

/** What it is called until its person says otherwise. */
function nameFor(url: string): string {
  const where = whereIs(url);
  if ("relay" in where) return `a host by ${new URL(where.relay).hostname}`;
  const { hostname } = new URL(url);
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname) ? "this machine" : hostname;
}

/** Of the host that an invitation is of. Throws `bad_request` for a text that is none. */
export const hostIdIn = (invitation: string): Promise<string> => idOf(parseInvite(invitation).hostKey);

async function idOf(hostKey: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(hostKey)));
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function request<T>(ask: (store: IDBObjectStore) => IDBRequest<T>, mode: IDBTransactionMode): Promise<T> {
  const database = await opened();
  try {
    return await settled(ask(database.transaction(HOSTS, mode).objectStore(HOSTS)));
  } finally {
    database.close();
  }
}

function opened(): Promise<IDBDatabase> {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => void asked.result.createObjectStore(HOSTS, { keyPath: "id" });
  return settled(asked);
}

function settled<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () =>
      reject(
        new HoldError("unsupported", "this browser keeps nothing for the page (a private window?), so it has no key of its own"),
      );
  });
}
