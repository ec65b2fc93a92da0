/** The relays of this host, for who asks: what dials them brings gRPC, and is loaded when there is one to dial. */
import { existsSync } from "node:fs";
import type { Uplink } from "@holdfast/protocol";
import type { RelayWish } from "./uplink.ts";
import type { Uplinks, UplinksParts } from "./uplinks.ts";

export class Relays {
  readonly #parts: UplinksParts;
  #loading: Promise<Uplinks> | null = null;
  #loaded: Uplinks | null = null;
  #isOver = false;

  constructor(parts: UplinksParts) {
    this.#parts = parts;
  }

  start(): void {
    if (!existsSync(this.#parts.path)) return;
    this.#load().then(
      (uplinks) => this.#isOver || uplinks.start(),
      (fault: unknown) => this.#parts.log(`no relay is dialled: ${String(fault)}`),
    );
  }

  stop(): void {
    this.#isOver = true;
    this.#loaded?.stop();
  }

  async join(wish: RelayWish, token: Uint8Array): Promise<Uplink> {
    return (await this.#load()).join(wish, token);
  }

  async leave(url: string): Promise<void> {
    return (await this.#load()).leave(url);
  }

  list(): readonly Uplink[] {
    return this.#loaded?.list() ?? [];
  }

  #load(): Promise<Uplinks> {
    this.#loading ??= import("./uplinks.ts").then(({ Uplinks: Loaded }) => {
      const { registry, invitations } = this.#parts;
      const uplinks = new Loaded(this.#parts);
      registry.onChange = () => uplinks.doorsChanged();
      invitations.onChange = () => uplinks.doorsChanged();
      return (this.#loaded = uplinks);
    });
    return this.#loading;
  }
}
