/**
 * The SSH carrier: frames over one channel of an SSH connection, framed as on a socket. This is the host's end; a client's is a program, ssh
 * itself, spoken with over stdio.
 *
 *   E1  What waits in the connection's socket waits for this link too: it is shared by all channels, and a client may claim any window.
 *   E2  That what waited has left is told also when it was less than a channel's own bound, 2 MiB.
 *   E3  A client that has said its last is answered with the end of the channel, which a channel, unlike a socket, does not do by itself.
 */
import type { Duplex } from "node:stream";
import type { Acceptor, Link } from "../link.ts";
import { StreamLink } from "../stream-link.ts";

/** The socket that the channel shares. */
export interface SharedSocket {
  readonly buffered: number;
  /** Told each time that what waited has left, until what is returned is called. */
  onDrain(told: () => void): () => void;
}

/** E2. */
const FULL_BYTES = 64 * 1024;

class SshLink extends StreamLink {
  readonly #socket: SharedSocket;

  constructor(channel: Duplex, socket: SharedSocket) {
    super("ssh", channel, channel);
    this.#socket = socket;
  }

  /** E1. */
  override get buffered(): number {
    return super.buffered + this.#socket.buffered;
  }
}

export function sshChannelLink(channel: Duplex, socket: SharedSocket, accept: Acceptor): Link {
  const state = (channel as unknown as { readonly _writableState: { highWaterMark: number } })._writableState;
  state.highWaterMark = FULL_BYTES;
  const link = new SshLink(channel, socket);
  const handlers = accept(link);
  link.open(handlers);
  const stop = socket.onDrain(() => handlers.drained?.());
  channel.once("close", stop);
  // E3.
  channel.once("end", () => link.close());
  return link;
}
