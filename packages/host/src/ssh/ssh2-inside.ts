/**
 * What is done to `ssh2` beyond what it offers. Its version is exact, and tests hold each of these.
 *
 *   Q1  After a write that waited for the client's window, a channel keeps the piece that was left of it, and when its other stream waits
 *       next, sends that piece again and the other's never. So what is kept is dropped after each write; one write is under way at a time.
 *   Q2  A client tells that nobody reads its output any more with a request of OpenSSH's (`eow@openssh.com`), and that it leaves on purpose with
 *       a message (DISCONNECT). Both are read and not told.
 *   Q3  A subsystem of sftp has no stream for errors and no exit: both go to the connection, without which scp takes what went well for failed.
 *   Q4  What a subsystem of sftp has to say and the client does not read waits without bound: it is looked at before more is said.
 */
import type { Connection, ServerChannel, Session } from "ssh2";

interface Kept {
  _chunk?: unknown;
  _chunkcb?: unknown;
  _chunkErr?: unknown;
  _chunkcbErr?: unknown;
}

/** Q1. */
export function forgetSent(channel: ServerChannel): void {
  const kept = channel as unknown as Kept;
  kept._chunk = kept._chunkcb = kept._chunkErr = kept._chunkcbErr = undefined;
}

type Handler = (protocol: unknown, ...args: unknown[]) => void;
interface Inside {
  readonly _protocol: {
    readonly _handlers: { CHANNEL_REQUEST: Handler; DISCONNECT: Handler };
    channelExtData(channel: number, bytes: Buffer, type: number): void;
    exitStatus(channel: number, code: number): void;
  };
}

const EOW = "eow@openssh.com";
const BY_APPLICATION = 11;

export interface Departures {
  /** Nobody reads what is written to this channel, by our number of it. */
  unread(channel: number): void;
  /** The client leaves on purpose. */
  leaves(): void;
}

/** Q2. */
export function hearDepartures(client: Connection, departures: Departures): void {
  const handlers = (client as unknown as Inside)._protocol._handlers;
  const { CHANNEL_REQUEST: request, DISCONNECT: disconnect } = handlers;
  handlers.CHANNEL_REQUEST = (protocol, ...args) => {
    if (args[1] === EOW) departures.unread(args[0] as number);
    request(protocol, ...args);
  };
  handlers.DISCONNECT = (protocol, ...args) => {
    if (args[0] === BY_APPLICATION) departures.leaves();
    disconnect(protocol, ...args);
  };
}

/** Our number of the channel that a session has or will have. */
export function numberOf(session: Session): number {
  return (session as unknown as { readonly _chanInfo: { readonly incoming: { readonly id: number } } })._chanInfo.incoming.id;
}

const STDERR = 1;

/** Q3. */
export function writeError(client: Connection, channel: object, text: string): void {
  const { outgoing } = channel as { readonly outgoing: { readonly id: number; readonly state: string } };
  if (outgoing.state === "open") (client as unknown as Inside)._protocol.channelExtData(outgoing.id, Buffer.from(text), STDERR);
}

/** Q4. Answers of a subsystem of sftp that wait for the client's window. */
export function unsentOf(files: object): number {
  return (files as { readonly _buffer: readonly unknown[] })._buffer.length;
}

/** Q3. */
export function exitFiles(client: Connection, files: object, code: number): void {
  const { outgoing } = files as { readonly outgoing: { readonly id: number; readonly state: string } };
  if (outgoing.state === "open") (client as unknown as Inside)._protocol.exitStatus(outgoing.id, code);
}
