/**
 * One SSH client that has proven whose key it has: its channels, over one link to the host.
 *
 *   C1  Everything goes over that link, or is asked for as a call of it would be: rights are looked up each time, and a revocation ends it all.
 *   C2  What was not offered is refused: other channels, forwarding to here, agents, X11.
 */
import type { Socket } from "node:net";
import { type Link, type LinkHandlers, sshChannelLink } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { create, ExecCallSchema, HoldError } from "@holdfast/protocol";
import type { Connection } from "ssh2";
import { admitCall } from "../call/answer.ts";
import { openBeside } from "../call/exec.ts";
import { Forwards } from "../forward/forwards.ts";
import type { Host } from "../host.ts";
import type { Proven } from "../link/handshake.ts";
import { type ChannelWorld, plain, SessionChannel } from "./channel.ts";
import { exec } from "./exec.ts";
import { join, openFor } from "./forward.ts";
import { Conversation } from "./inner-link.ts";
import { serveFiles } from "./sftp.ts";
import { shell } from "./shell.ts";
import { Outlet, Sink } from "./sink.ts";
import { hearDepartures, numberOf } from "./ssh2-inside.ts";

/** Of one connection at once; OpenSSH's server takes 10. */
const MOST_CHANNELS = 32;
/** How long a client may take to hear why it is ended, then to leave by itself, then to close: under a second in all (C1). */
const TOLD_MS = 400;
const LEAVE_MS = 300;
const GOODBYE_MS = 200;

export interface ConnectionParts {
  readonly host: Host;
  readonly client: Connection;
  readonly socket: Socket;
  readonly proven: Proven;
  /** What the client calls the session. */
  readonly session: string;
  /** Hands a link to the host: proven (L5), or vouched for where frames of ours begin with a Hello. */
  readonly meet: (link: Link, proven: Proven, begins: "open" | "hello") => LinkHandlers;
}

export class SshConnection {
  readonly #parts: ConnectionParts;
  readonly #outlet: Outlet;
  readonly #conversation: Conversation;
  readonly #channels = new Map<number, SessionChannel>();
  readonly #forwards: Forwards;
  readonly #world: ChannelWorld;
  readonly #gone = new AbortController();
  #isLeaving = false;

  constructor(parts: ConnectionParts) {
    const { host, client, socket, proven, session, meet } = parts;
    this.#parts = parts;
    this.#outlet = new Outlet(socket);
    this.#conversation = new Conversation((link) => meet(link, proven, "open"), {
      buffered: () => this.#outlet.buffered,
      ended: (error) => this.#ended(error),
    });
    this.#outlet.onDrain(() => this.#conversation.drained());
    this.#forwards = new Forwards(host, proven.operator, "ssh");
    const { ports } = host;
    this.#world = {
      ...{ client, session, conversation: this.#conversation, outlet: this.#outlet },
      shell: host.surroundings?.shell || "/bin/sh",
      works: {
        shell: (work) => shell(work, { observe: false }),
        observe: (work) => shell(work, { observe: true }),
        exec,
        carry: (channel) =>
          new Promise((over) => sshChannelLink(channel, this.#outlet, (link) => ended(meet(link, proven, "hello"), over))),
        sftp: (files) => serveFiles(files, { host, proven, session, socket, outlet: this.#outlet }),
        find: () => void host.findFor(proven.operator, session),
      },
      openBeside: async (call, { size, term }) => {
        const verb = { case: "exec" as const, value: create(ExecCallSchema, call) };
        await admitCall({ host, ...proven, verb, signal: this.#gone.signal });
        return openBeside({ host, ...proven }, verb.value, { size: size ?? { cols: 80, rows: 24 }, term });
      },
      newWriter: () => ports.newId(16),
      later: (ms, run) => ports.wakeAt(MonotonicMs(ports.clock.monoMs() + ms), run),
      log: (text) => ports.log(text),
    };
    this.#take();
  }

  #take(): void {
    const { client } = this.#parts;
    client.on("session", (accept, reject) => {
      if (this.#channels.size >= MOST_CHANNELS) return void reject();
      const session = accept();
      const id = numberOf(session);
      const channel = new SessionChannel(this.#world, session);
      channel.onOver = () => this.#channels.delete(id);
      this.#channels.set(id, channel);
    });
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      const refused = (fault: unknown): void => {
        if (fault instanceof HoldError) this.#world.log(`ssh -L of ${this.#parts.proven.operator.name}: ${fault.message}`);
      };
      openFor(this.#forwards, this.#parts.session, destIP, destPort).then(
        (to) => {
          const channel = accept();
          const sink = new Sink(channel, this.#outlet);
          channel.once("close", () => {
            sink.close();
            to.socket.destroy();
          });
          join(sink, to, refused);
        },
        (fault: unknown) => {
          refused(fault);
          reject();
        },
      );
    });
    hearDepartures(client, {
      unread: (number) => this.#channels.get(number)?.left(),
      leaves: () => {
        this.#isLeaving = true;
        for (const channel of this.#channels.values()) channel.left();
      },
    });
    client.once("close", () => this.#lost());
  }

  /** The host goes, or has ended the link. */
  close(): void {
    const { client, socket } = this.#parts;
    client.end();
    this.#world.later(GOODBYE_MS, () => socket.destroy());
  }

  #lost(): void {
    this.#gone.abort();
    for (const channel of [...this.#channels.values()]) channel.lost();
    this.#forwards.close();
    this.#conversation.leave(this.#isLeaving ? "left" : "link lost");
  }

  /** C1. */
  #ended(error: HoldError | null): void {
    if (error) this.#world.log(`ssh: the connection of ${this.#parts.proven.operator.name} is ended: ${plain(error.toString())}`);
    this.#forwards.close();
    // Whoever is there is told on each channel first, and one who does not read is not waited for. A client that is told goodbye drops what it has
    // not shown yet: one whose channels are over leaves by itself.
    const told = Promise.all([...this.#channels.values()].map((channel) => channel.done));
    const late = new Promise<void>((go) => void this.#world.later(TOLD_MS, go));
    void Promise.race([told, late]).then(() => void this.#world.later(LEAVE_MS, () => this.close()));
  }
}

function ended(handlers: LinkHandlers, over: () => void): LinkHandlers {
  return {
    get maxFrameBytes() {
      return handlers.maxFrameBytes ?? 0;
    },
    frame: (channel, message) => handlers.frame(channel, message),
    drained: () => handlers.drained?.(),
    closed: (reason) => {
      handlers.closed(reason);
      over();
    },
  };
}
