/** What the two sides of the worker say to each other. A handle names one life of a model, so that late news of a replaced one is known as such. */
import type { ScreenOptions } from "./screen-model.ts";

export type Order =
  | {
      readonly do: "open";
      readonly handle: number;
      readonly cols: number;
      readonly rows: number;
      readonly offset: number;
      readonly vt?: Uint8Array;
      readonly scrollback: number;
    }
  | { readonly do: "feed"; readonly handle: number; readonly bytes: Uint8Array; readonly live: boolean }
  | { readonly do: "resize"; readonly handle: number; readonly cols: number; readonly rows: number }
  | { readonly do: "snapshot" | "text"; readonly handle: number; readonly request: number; readonly scrollback?: number }
  | { readonly do: "close"; readonly handle: number };

export type News =
  | { readonly is: "parsed"; readonly handle: number; readonly offset: number }
  | { readonly is: "reply"; readonly handle: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly is: "notice"; readonly handle: number; readonly kind: "bell" | "title" | "clipboard"; readonly text: string }
  | { readonly is: "answer"; readonly request: number; readonly value: unknown }
  | { readonly is: "failed"; readonly request: number; readonly detail: string };

export interface WorkerSettings extends Pick<ScreenOptions, "allowClipboardWrite" | "colors" | "cell" | "version"> {}
