/** What a binding is made of, how it ends, and what the prefix key's commands see of it. */
import type { Attachment, Floor, HostClient, Presence, Session } from "@holdfast/sdk";
import type { Settings } from "../config/settings.ts";
import type { Outer } from "../terminal/outer.ts";
import type { Tracker } from "../terminal/raw-view.ts";
import type { View } from "../terminal/view.ts";
import type { Notices } from "./notices.ts";

export type Ending =
  | { readonly kind: "detached" }
  | { readonly kind: "switch"; readonly to: string }
  | { readonly kind: "over"; readonly reason: string }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "gone"; readonly why: string };

export interface BindingOptions {
  readonly client: HostClient;
  /** A new link for calls, when the old one is gone: an attachment has its own way back, the client has none. */
  readonly reconnect: () => Promise<HostClient>;
  readonly outer: Outer;
  readonly screen: "alternate" | "main";
  readonly settings: Settings;
  readonly session: Session;
  readonly observe: boolean;
  readonly take: boolean;
  readonly previous: string | undefined;
  readonly newTracker: () => Tracker;
  /** Our operator's id. */
  readonly me: string;
}

export interface Bound {
  readonly o: BindingOptions;
  readonly attachment: Attachment | null;
  readonly client: HostClient;
  readonly view: View;
  readonly notices: Notices;
  readonly floor: Floor | undefined;
  readonly presence: readonly Presence[];
  status(): string;
  finish(ending: Ending): void;
  call<T>(ask: (client: HostClient) => Promise<T>): Promise<T>;
}
