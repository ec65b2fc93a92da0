/**
 * Taking up an invitation that came as a text: where its host is, whether it is the one, and under which name the new key is kept.
 *
 *   J1  The host is the one whose key the invitation carries, whoever answers: another is signed nothing, and the invitation stays open.
 *   J2  What was joined is known afterwards by its address and by the credential that was made for it (known-hosts.ts K5).
 *   J3  Nothing of the invitation is kept, and it goes nowhere but to its host, in the frames of a link.
 */
import { existsSync, readFileSync } from "node:fs";
import { connectUnix, files } from "@holdfast/carrier";
import { linkUrl } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";
import { type InviteText, parseInvite } from "../invite-text.ts";
import { type DialAs, isUnanswered, joinHost } from "./join.ts";
import { freeKeyNames, type HeldCredential } from "./keys.ts";
import { credentialAt, hostIdOf, knownHostId, type Place, rememberHost } from "./known-hosts.ts";
import { isRelayed } from "./relayed.ts";

export interface JoinRequest {
  readonly home: string;
  /** Of `formatInvite`. */
  readonly invite: string;
  /** What the key is called here, and the operator there if the invitation leaves that open. Default: what the invitation says, else this machine's user. */
  readonly name?: string | undefined;
  /** Keeps the new key, which the host then takes for protected if whoever invited may say so. */
  readonly passphrase?: string | undefined;
  /** Shown in audit. */
  readonly client?: string;
  readonly via?: "cli" | "sdk";
  readonly timeoutMs?: number;
  /** Certificates of authorities to trust for TLS in place of the system's, PEM. */
  readonly ca?: string;
}

export interface Joined {
  /** Who this machine is there from now on. */
  readonly operator: string;
  readonly role: string;
  /** Name of the credential here. */
  readonly as: string;
  /** File of its key. */
  readonly key: string;
  /** Where the host was reached; null: it is this home's own, on its socket. */
  readonly url: string | null;
  /** Of a guest: the one session. */
  readonly session: string | null;
  /** Name of the credential that was used there until now, and is from now on where it is named (K5). */
  readonly replaces: string | null;
}

/** A way to the host of an invitation. */
interface Way {
  /** Null: on this machine. */
  readonly place: Place | null;
  readonly dial: DialAs;
  /** What there is to do before the new key is used this way. */
  readonly joined?: () => Promise<void>;
}

/** Throws {@link HoldError}: `bad_request`, `invitation_unknown`, `name_taken`, `host_key_changed`, `unreachable`, `timed_out`. */
export async function joinByInvite(request: JoinRequest): Promise<Joined> {
  const invite = parseInvite(request.invite);
  const ways = await waysTo(request, invite);
  let fault: unknown = nowhere(invite);
  for (const way of ways) {
    try {
      return await joinAt(request, invite, way);
    } catch (failed) {
      // One that may have taken it is the last to be asked.
      if (isUnanswered(failed)) throw failed;
      if (!(failed instanceof HoldError) || !["unreachable", "timed_out", "host_key_changed"].includes(failed.code)) throw failed;
      fault = failed;
    }
  }
  throw fault;
}

/** The home's own host is reached on its socket, wherever else it listens. */
async function waysTo({ home, ca }: JoinRequest, invite: InviteText): Promise<readonly Way[]> {
  const own = files.hostPublicKey(home);
  if (existsSync(own) && readFileSync(own).equals(invite.hostKey))
    return [{ place: null, dial: (accept) => connectUnix(files.socket(home), accept) }];
  const ways = invite.at.map(async (at): Promise<readonly Way[]> => {
    if (isRelayed(at)) return relayedWay(at, ca, invite);
    const url = urlOf(at);
    if (!url) return [];
    const dial: DialAs = async (accept) => {
      const { connectWebSocket } = await import("@holdfast/carrier/websocket/node");
      return connectWebSocket(url, accept, ca ? { ca } : {});
    };
    return [{ place: url, dial }];
  });
  return (await Promise.all(ways)).flat();
}

async function relayedWay(url: string, ca: string | undefined, { hostKey, token }: InviteText): Promise<readonly Way[]> {
  const { placeBehind, reachInvited, untilLetIn } = await import("./relay.ts");
  const place = placeBehind(url);
  if (!place) return [];
  let made: HeldCredential | null = null;
  const dial: DialAs = async (accept, credential) => {
    made = credential;
    return reachInvited({ url, credential, ca, hostKey, token }, accept);
  };
  const joined = async (): Promise<void> => {
    // What was taken up is taken up, whatever becomes of this.
    if (made) await untilLetIn({ url, credential: made, ca, hostKey }).catch(() => {});
  };
  return [{ place, dial, joined }];
}

/** Null for an address that no link leads to. */
function urlOf(at: string): URL | null {
  try {
    return linkUrl(at);
  } catch {
    return null;
  }
}

function nowhere({ at }: InviteText): HoldError {
  return new HoldError(
    "unreachable",
    at.length === 0
      ? "the host of this invitation can be reached from its own machine alone; ask who sent it to let it listen (hold host up --listen) and to share again"
      : `the invitation names no address that this version knows a way to (${at.join(", ")}); ask who sent it for a ws or wss address`,
  );
}

async function joinAt(request: JoinRequest, invite: InviteText, { place, dial, joined: then }: Way): Promise<Joined> {
  const { home, client, via, timeoutMs } = request;
  const { hostKey, token } = invite;
  if (place) checkKnown(home, place, hostKey);
  const names = namesFor(request, invite);
  for (const [i, name] of names.entries()) {
    try {
      const joined = await joinHost({
        home,
        dial,
        hostKey,
        token,
        name,
        ...(request.passphrase === undefined ? {} : { passphrase: request.passphrase }),
        ...(client === undefined ? {} : { client }),
        ...(via === undefined ? {} : { via }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      const replaces = (place && credentialAt(home, place.host)) ?? null;
      if (place) rememberHost(home, place.host, hostKey, name);
      await then?.();
      return { ...joined, as: name, url: place?.origin ?? null, session: invite.session ?? null, replaces };
    } catch (fault) {
      if (!(fault instanceof HoldError)) throw fault;
      if (fault.code === "name_taken" && i + 1 < names.length) continue;
      // The key works if the host took it: it is then known by it.
      if (isUnanswered(fault) && place) rememberHost(home, place.host, hostKey, name);
      throw inWords(fault, {
        name,
        where: place?.origin ?? "this machine's host",
        way: place ? `--host ${place.origin}` : `--as ${name}`,
      });
    }
  }
  throw new HoldError("name_taken", "every name for the new key is taken here; give one with --name NAME");
}

/** J1: an address that is known for another host is not dialled. */
function checkKnown(home: string, { host: address, origin }: Place, hostKey: Uint8Array): void {
  const known = knownHostId(home, address);
  const meant = hostIdOf(hostKey);
  if (known !== null && known !== meant)
    throw new HoldError(
      "host_key_changed",
      `${address} is known here as ${known}, and the invitation is of ${meant}: nothing was sent there. If the host was replaced on purpose: hold host trust ${origin} --id ${meant}, and join again`,
      { address, id: meant, knownId: known },
    );
}

function namesFor({ home, name }: JoinRequest, invite: InviteText): readonly string[] {
  if (name !== undefined) return [name];
  const free = freeKeyNames(home, invite.operator);
  // What the operator is called is settled then, and only the key here needs a name.
  return invite.operator === undefined ? free : free.slice(0, 1);
}

/** What became of the invitation, and what to do. */
function inWords(fault: HoldError, { name, where, way }: { name: string; where: string; way: string }): HoldError {
  const said = (text: string): HoldError => new HoldError(fault.code, text, fault.details, { cause: fault });
  if (isUnanswered(fault))
    return said(
      `${where} was asked and has not answered (${fault.message}); it may have taken the invitation: hold ${way} whoami`,
    );
  if (fault.code === "host_key_changed")
    return said(
      `who answers at ${where} is not the host that the invitation is of: nothing was signed for it, and the invitation is open still; ask who sent it where that host is`,
    );
  if (fault.code === "unreachable" || fault.code === "timed_out")
    return new HoldError(
      fault.code,
      // A relay says of an invitation that is over what it says of a host that is away.
      isRelayed(where) && fault.details["relay"] === undefined
        ? `${fault.message}; ask who sent the invitation whether it is open still, and whether the host is up`
        : `${fault.message}; ask who sent the invitation whether the host is up and can be reached from here: it was not taken up by this`,
      { ...fault.details, url: where },
      { cause: fault },
    );
  if (fault.code === "name_taken") return said(`${fault.message} (${name}): give another one with --name NAME`);
  return fault;
}
