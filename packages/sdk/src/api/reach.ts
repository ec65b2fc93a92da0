/** Ways to a host, and who comes by them. */
import type { NetworkCarrier } from "../client/carriers.ts";
import type { WitnessStore } from "./witness.ts";

/** Asked for the passphrase of a key that one keeps; `attempt` from 1. Null gives up. */
export type AskPassphrase = (key: {
  readonly name: string;
  readonly path: string;
  readonly attempt: number;
}) => Promise<string | null>;

export interface ConnectOptions {
  /** Folder of this machine's state (see `homeFolder()` in sdk/node). */
  readonly home: string;
  /** Name of the credential (a key in `home/keys`); default: the machine user's. */
  readonly as?: string;
  /** Absent: a key that a passphrase keeps is not used. */
  readonly passphrase?: AskPassphrase;
  /** In place of a key: a grant that its operator has signed ({@link HostClient.grant}). The link ends with it. */
  readonly grant?: string;
  readonly via?: "cli" | "sdk" | "mcp" | "web" | "ssh";
  /** Shown in audit, e.g. `hold/0.1.0`. */
  readonly client?: string;
  /** Called when nothing answers on the socket; starts the host and returns when it serves. Absent: `unreachable` at once. */
  readonly startHost?: () => Promise<void>;
  /** How long to wait for a host that is starting. Default 10 s. */
  readonly timeoutMs?: number;
  /** Where what is seen of the host's audit chain is kept. Default: `witnessed` in the home; null: nowhere, it is known while the client is there. */
  readonly witness?: WitnessStore | null;
  /** Other ways to the same host, for the same operator: an attachment whose way is gone goes on over one of these. */
  readonly also?: readonly Reach[];
}

export interface ThroughOptions {
  /** Program and arguments; it speaks frames on its standard input and output, as `ssh box hold attach --carrier stdio` does. */
  readonly argv: readonly string[];
  /** The same for the links after the first, when nobody may be there to be asked for a passphrase. Default: `argv`. */
  readonly againArgv?: readonly string[];
  readonly via?: "cli" | "sdk" | "mcp" | "web" | "ssh";
  /** Shown in audit. */
  readonly client?: string;
  /** Where what is seen of the host's audit chain is kept. Default: nowhere, it is known while the client is there. */
  readonly witness?: WitnessStore | null;
  /** How long the first link may take, a person's answering included. Default 2 min. */
  readonly timeoutMs?: number;
}

/** A host that listens (`hold host up --listen`), with credentials and known hosts of a home. */
export interface NetworkOptions {
  /** `ws://127.0.0.1:7433` or `wss://box.example:7433`; with `http` and `https` for networks that break WebSockets. */
  readonly url: string;
  /**
   * Where `url` leads through a relay: others that the host has joined, by the same name, e.g. `https://relay2.example:7444`. The one that led there last is
   * dialled first, then these in their order, a second apart at most; a link whose relay is gone is had again by another.
   */
  readonly relays?: readonly string[];
  /** Tried in this order, whatever the address begins with: `["websocket", "http"]` where it is not known what the network lets through. */
  readonly carriers?: readonly NetworkCarrier[];
  /** Default: `homeFolder()`. */
  readonly home?: string;
  /** Name of the credential; default: the one that was made for that host (an invitation, a login), else the machine user's. */
  readonly as?: string;
  readonly passphrase?: AskPassphrase;
  /** As in {@link ConnectOptions.grant}. */
  readonly grant?: string;
  readonly via?: ConnectOptions["via"];
  /** Shown in audit. */
  readonly client?: string;
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** `first`: takes whoever answers at an address that the home's `known_hosts` does not have, and remembers it. An id: that host alone, whatever is known. Default: who is known. */
  readonly trust?: string;
  /** Where what is seen of the host's audit chain is kept. Default: `witnessed` in the home; null: nowhere, it is known while the client is there. */
  readonly witness?: WitnessStore | null;
  /** Certificates of authorities to trust for TLS in place of the system's, PEM. */
  readonly ca?: string;
  /** As in {@link ConnectOptions.also}. */
  readonly also?: readonly Reach[];
}

/** A host that listens for ssh (`hold host up --ssh`), through an ssh client: its key is who this is, its known_hosts which host is meant. */
export interface SshOptions {
  /** `[USER@]HOST[:PORT]`; USER does not matter. */
  readonly ssh: string;
  /** The ssh client, and what is put before the address: `["ssh", "-i", "key"]`. Default: `["ssh"]`. */
  readonly program?: readonly string[];
  /** Proves a credential of this home in place of the ssh key: what is to move to another carrier, or came from one, is bound to that. */
  readonly home?: string;
  readonly as?: string;
  /** Where what is seen of the host's audit chain is kept. Default: nowhere, it is known while the client is there. */
  readonly witness?: WitnessStore | null;
  readonly via?: NonNullable<ConnectOptions["via"]>;
  /** Shown in audit. */
  readonly client?: string;
  /** How long the first link may take, a person's answering included. Default 2 min. */
  readonly timeoutMs?: number;
  /** As in {@link ConnectOptions.also}. */
  readonly also?: readonly Reach[];
}

/** One way to a host. */
export type Reach = ConnectOptions | NetworkOptions | ThroughOptions | SshOptions;

/** A host that lets one in and is connected to a relay. */
export interface FoundHost {
  readonly id: string;
  /** Its name there. */
  readonly name: string;
  /** Of those that were asked, the first that has it. */
  readonly relay: string;
}

/** A relay that a host is to dial. */
export interface RelayJoin {
  /** `https://relay.example:7444`, with `#` and the key's hash where no authority has signed its certificate. */
  readonly url: string;
  /** 32 bytes, from who runs the relay; not for a host that it knows already. */
  readonly token?: Uint8Array;
  /** Wished for there; default: this machine's. */
  readonly name?: string;
  /** Certificates of authorities to trust in place of the system's, PEM. */
  readonly ca?: string;
  /** Lets pages in by it, whose links the relay could read and forge (docs/relay-web.md). Default no. */
  readonly allowPlain?: boolean;
}

/** Where a host's record is to be copied to. */
export interface MirrorTarget {
  /** `nats://HOST:4222` or `tls://HOST:4222`; several with commas. */
  readonly url: string;
  /** Of its object store. Default: `holdfast`. */
  readonly bucket?: string;
  /** Text of a NATS credentials file. */
  readonly creds?: string;
  /** From a host with the same id, of which this one is a copy or was restored. */
  readonly takeOver?: boolean;
}

/** What a mirror is read with. */
export interface MirrorKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly url: string;
  readonly bucket: string;
}
