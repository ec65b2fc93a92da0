/**
 * A system that holds live sessions, as the scenarios see it: from outside, by what it offers its own users.
 *
 *   B1  Each system is set as its users would who want what is claimed here, and each operation is done by the best of its own means.
 *   B2  What a system has no means for is told as such (an empty list, false, null), never made up for by the adapter.
 *   B3  A scenario asks every system the same and looks at facts of the machine: bytes, hashes, pids, exit codes, and the record.
 */

/** Who comes: `me` set the system up; others are other people, services or AIs on the machine. */
export interface Actor {
  readonly name: string;
  readonly kind: "human" | "ai";
}

export const me: Actor = { name: "me", kind: "human" };
export const ana: Actor = { name: "ana", kind: "human" };
export const ben: Actor = { name: "ben", kind: "human" };
/** Acts for `me`. */
export const bot: Actor = { name: "bot", kind: "ai" };

export interface Opening {
  /** Program and arguments, in a terminal. */
  readonly argv: readonly string[];
  /** Several type at the same time, rather than in turn. */
  readonly together?: boolean;
}

export interface Coming {
  readonly as: Actor;
  /** One of {@link System.ways}; default the first. */
  readonly way?: string;
  /** A client that is gone: this one goes on where that one stood, if the system can. */
  readonly after?: Client;
}

/** What became of something typed. `who`: in whose favour it was not taken, as the system said. */
export type Typing = { readonly taken: true } | { readonly taken: false; readonly why: string; readonly who?: string };

export interface Typist {
  /** Types it as one unit; resolves when the system has said what became of it, or at once where it says nothing. */
  type(text: string): Promise<Typing>;
  /** Gone without a word, as by SIGKILL or a cut wire. */
  vanish(): Promise<void>;
}

export interface Client extends Typist {
  /** Every byte of output that it was given, in order. */
  seen(): Buffer;
  /** It was given the whole stream from its beginning, whatever an earlier client had. */
  readonly fromStart: boolean;
}

/** One input in a system's own record. */
export interface Typed {
  readonly text: string;
  /** As the system names them: stable, whatever they came by. */
  readonly who: string;
  readonly kind?: string;
  /** By which interface. */
  readonly via?: string;
  readonly onBehalfOf?: string;
}

export interface System {
  readonly name: string;
  readonly version: string;
  /** How its clients may come, the ordinary way first. */
  readonly ways: readonly string[];
  /** Its name for this actor; null where it has none. */
  nameOf(actor: Actor): string | null;
  /** Opens a session; resolves when whoever opened it is gone. */
  open(opening: Opening): Promise<string>;
  attach(session: string, coming: Coming): Promise<Client>;
  /** {@link bot} comes, by the way that is meant for AIs where there is one. */
  attachAi(session: string): Promise<Typist>;
  /** What it can tell of all that was printed, as text, to somebody who was never there. */
  history(session: string): Promise<string>;
  /** SIGKILL of the process that serves clients; resolves when it serves again, by itself or because it was started as it was before. */
  killServer(session: string): Promise<void>;
  /** Its record of who typed what, in order; of one actor alone where it can be asked that. Null where it keeps none. */
  record(session: string, of?: Actor): Promise<readonly Typed[] | null>;
  /** Who is there now, by its names, one entry for each client. */
  present(session: string): Promise<readonly string[]>;
  /** The exit code of a session's program, as it tells; undefined while it runs, null where it ended and nothing tells how. */
  exitCode(session: string): Promise<number | null | undefined>;
  /** Somebody, a person unless told otherwise, refuses all input of AIs, or lifts that. False: it has no such thing, or refused. */
  pauseAi(session: string, paused: boolean, by?: Actor): Promise<boolean>;
}
