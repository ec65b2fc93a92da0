/** `<hold-terminal>`, as pages know it (docs/terminal-element.md). */
import type { Credential, Floor, HostClient } from "@holdfast/sdk";

export type TerminalState =
  | { readonly is: "attaching" }
  | { readonly is: "attached" }
  /** It is dialled again, until it answers. */
  | { readonly is: "offline"; readonly sinceUnixMs: number }
  /** Over, until {@link HoldTerminalElement.attach}: the session's end, a revocation, or a refusal at the door; `code` as `codes` of the SDK lists it. */
  | { readonly is: "over"; readonly reason: string; readonly code?: string };

/** How the session's program ended; both null: by what only `reason` tells. */
export interface TerminalExit {
  readonly code: number | null;
  readonly signal: number | null;
  readonly reason: string;
}

export interface TerminalFloor {
  /** This terminal steers. */
  readonly steers: boolean;
  readonly floor: Floor;
}

/** `#rrggbb` by xterm.js's names of colours (`ITheme`); a ground and letters at least. */
export type TerminalColours = Readonly<Partial<Record<string, string>>> & {
  readonly background: string;
  readonly foreground: string;
};

export interface HoldTerminalEvents {
  /** Whenever {@link HoldTerminalElement.state} is another. */
  readonly state: CustomEvent<TerminalState>;
  /** Whenever somebody takes, releases or passes the floor. */
  readonly floor: CustomEvent<TerminalFloor>;
  /** Once, when the session's program has ended, or has ended before. */
  readonly exit: CustomEvent<TerminalExit>;
  /** A link that a program printed was pressed. Cancelled: the page does what is to be done; else the element asks, and opens it in another tab. */
  readonly link: CustomEvent<{ readonly url: string }>;
}

export interface HoldTerminalElement extends HTMLElement {
  /** Attribute `session`: the id or name of a session. */
  session: string;
  /** Attribute `url`: where its host listens, `wss://box.example:7433`; not looked at where there is a `client`. */
  url: string;
  /** The host that is meant: its key, or the SHA-256 of it, 32 bytes; as attribute `host-key` in 64 hexadecimal digits. */
  hostKey: Uint8Array | null;
  /** Who attaches: asked for each time that the host is dialled. No attribute: nothing secret stands in a document. */
  credential: (() => Credential | Promise<Credential>) | null;
  /** A client that the page has already; it is never closed by the element. */
  client: HostClient | null;
  /** Attribute `readonly`: looks on, sends nothing. */
  readOnly: boolean;
  /** Attribute `theme`: `light`, `dark`, a built-in theme's name, or (default) as the system has it; as a property also colours. */
  theme: string | TerminalColours;
  /** Attribute `font-size`: CSS pixels, 8 to 32, default 13. */
  fontSize: number;
  /** Attribute `font-family`: as CSS lists fonts. */
  fontFamily: string;
  /** Attribute `screen-reader`: each line as text that is read aloud. */
  screenReader: boolean;
  readonly state: TerminalState;
  readonly floor: TerminalFloor | null;
  /** The keys go to the terminal. */
  focus(options?: FocusOptions): void;
  /** Takes the floor. Rejects with the host's reason, or while nothing is attached. */
  take(): Promise<Floor>;
  release(): Promise<Floor>;
  /** Anew, after `over`. */
  attach(): void;
  addEventListener<K extends keyof HoldTerminalEvents>(
    type: K,
    listener: (event: HoldTerminalEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "hold-terminal": HoldTerminalElement;
  }
}
