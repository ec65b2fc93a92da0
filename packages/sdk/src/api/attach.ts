/** One operator's binding to one session: what it is asked for, what it tells and what it takes. */
import type { Event, Floor, InputStatus, Presence, Session } from "@holdfast/protocol";

export interface AttachOptions {
  readonly session: string;
  readonly observe?: boolean;
  readonly take?: boolean;
  readonly size?: { readonly cols: number; readonly rows: number };
  /** Lines of scrollback wanted in the snapshot; default 0 (the screen alone). */
  readonly scrollback?: number;
  /** `snapshot` (default): start from the screen as it is, jump when far behind. `replay`: read the journal at my own pace, never skip. */
  readonly mode?: "snapshot" | "replay";
  /** Replay strictly after this seq (0: from the first retained event). With {@link resume} in `snapshot` mode too: what was drawn until then is still there. */
  readonly after?: number;
  /**
   * What {@link AttachHandlers.kept} was told last, of an attachment whose process or page is gone: within the session's grace this is the same attachment,
   * with the same seat, and what it had sent and not heard of is applied once; what it held is told by {@link AttachHandlers.held}. After the grace it
   * is another one, without a word. `session` must be its id. Begins with the screen, or after {@link after}. The device key must be the same: by itself the text opens nothing.
   * It is for one client at a time. A text that is of another session or host, or can't be read, has no effect.
   */
  readonly resume?: string;
  /**
   * Whether what {@link AttachHandlers.kept} is told holds input that is not answered, in plain, so that it is applied after the process's end. Default true. Without, numbers
   * alone are kept: nothing is doubled, and what the host has not had goes with the process.
   */
  readonly keepsInput?: boolean;
  /** Events without output bytes. */
  readonly noOutput?: boolean;
  /** Not shown as presence. */
  readonly quiet?: boolean;
  /** Socket of an SSH agent that the session's stable agent path leads to from now on; no effect on a session opened without `agentForward`. */
  readonly agentPath?: string;
  /** Reconnect by itself when the link drops. Default true. */
  readonly reconnect?: boolean;
}

/** A screen to draw: a terminal of `cols`×`rows`, reset first. */
export interface Snapshot {
  readonly seq: number;
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
  readonly vt: Uint8Array;
  readonly title: string;
  /** attach, behind, interrupt, size, restart. */
  readonly why: string;
}

/** Output, terminal queries taken out. */
export interface Output {
  readonly seq: number;
  /** 0: a terminal's; 1, 2: a job's stdout and stderr. */
  readonly stream: number;
  readonly offset: number;
  /** Where it ends in the record. `bytes` need not be `end - offset`: queries are out, and a cut sequence comes whole with its end. */
  readonly end: number;
  readonly bytes: Uint8Array;
  /** How many of them are `*` in place of a secret that no AI is shown; to everybody else 0. */
  readonly masked: number;
  readonly atUnixMs: number;
}

/**
 * What is no longer kept, from seq to seq: `retention`, or for one output event `redacted`, `pruned` or `damaged`; then `lost` says
 * which bytes of which stream.
 */
export interface Gap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  readonly lost?: { readonly stream: number; readonly offset: number; readonly end: number };
}

/** What an attachment tells. All optional; called in order, never two at once: what returns a promise is waited for, and paces the host. */
export interface AttachHandlers {
  snapshot?(s: Snapshot): void | Promise<void>;
  /**
   * Return after the bytes have been *used* (written to the terminal) or a promise of it: credit is given back then, which is what
   * paces the host.
   */
  output?(o: Output): void | Promise<void>;
  /** Everything else in the journal, in order (also a Resized, which a view must follow). */
  event?(e: Event): void | Promise<void>;
  gap?(g: Gap): void | Promise<void>;
  floor?(f: Floor, why: string, by: string): void;
  presence?(p: readonly Presence[]): void;
  /** As {@link HostClient.onApprovals}, over whatever link the attachment is on. */
  approvals?(waiting: number, own: number): void;
  /** `offline`: the link is down, typing is held back; `attached`: back, with what was restored. */
  link?(state: "attached" | "offline", detail: { readonly resumed: boolean; readonly unanswered: number }): void;
  /** What was typed while offline is older than 5 s: the caller confirms ({@link Attachment.flushHeld}) or drops it. */
  held?(bytes: number): void;
  /** An input was refused, void or cut. Applied ones are told only through the promise of {@link Attachment.input}. */
  refused?(r: InputOutcome): void;
  /**
   * What to keep so that {@link AttachOptions.resume} finds this attachment when this process is gone; replaces what was told before. It holds a token (of no
   * use without the device key) and up to 256 KiB of what was typed and not answered: keep it where only this user reads. Told at once, not in turn, before an
   * input is sent: return when it is kept. Null: it is over, and nothing is to be kept.
   */
  kept?(kept: string | null): void;
  /** Over: the session ended, the operator was revoked, or `detach()`. */
  detached?(reason: string, error?: { readonly code: string; readonly message: string }): void;
}

export interface InputOptions {
  readonly interrupt?: boolean;
  readonly take?: boolean;
  readonly durable?: boolean;
  readonly unit?: string;
  readonly unitEnd?: boolean;
  readonly eof?: boolean;
}

export interface InputOutcome {
  readonly n: number;
  /** Position in the journal; 0 if it was never recorded. */
  readonly seq: number;
  readonly status: InputStatus;
  readonly bytes: number;
  readonly code?: string;
  readonly message?: string;
}

export interface Attachment {
  readonly id: string;
  readonly session: Session;
  readonly floor: Floor;
  readonly presence: readonly Presence[];
  readonly observing: boolean;
  /** Bytes sent and not yet answered. */
  readonly unansweredBytes: number;
  /** Sends one frame (split into one unit when over 64 KiB); resolves when it is settled. */
  input(bytes: Uint8Array, options?: InputOptions): Promise<InputOutcome>;
  resize(
    size: { readonly cols: number; readonly rows: number },
    options?: { readonly pin?: boolean; readonly unpin?: boolean },
  ): void;
  take(): Promise<Floor>;
  release(): Promise<Floor>;
  pass(operator: string): Promise<Floor>;
  ask(): Promise<Floor>;
  aiPause(): Promise<Floor>;
  aiResume(): Promise<Floor>;
  flushHeld(): void;
  dropHeld(): void;
  detach(): Promise<void>;
}
