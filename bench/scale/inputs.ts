/**
 * What the model of docs/scale.md is fed with: figures that were measured (measured.json, by `npm run bench:relay -- --record`), limits that the code has, and
 * assumptions about people and prices, which are nobody's measurement and are said as such.
 */
import type { Found, RelayFigures } from "../relay/figures.ts";
import type { NatsFigures } from "./nats.ts";

export interface Measured extends Pick<Found, "at" | "machine" | "versions" | "load"> {
  readonly relay: RelayFigures;
  readonly nats: NatsFigures;
}

/** Of the code; each with the file that has it. */
export const limitsOfCode = {
  /** packages/relay/src/lines.ts */
  tunnelsPerHost: 4_096,
  tunnelsPerKeyAtHost: 64,
  /** packages/relay/src/server.ts */
  connections: 65_536,
  lateMs: 1_000,
  /** packages/core/src/continuity */
  graceMs: 600_000,
  /** packages/sdk/src/node/relay.ts: how long one attempt to attach again may take. */
  attemptMs: 10_000,
} as const;

export interface Assumed {
  readonly attachmentsPerHost: number;
  /** Laptops that sleep, networks that change. */
  readonly linksBrokenPerAttachmentHour: number;
  readonly hostLinesBrokenPerDay: number;
  /** Of all attachments, at one moment. */
  readonly activeShare: number;
  /** What a terminal that is worked in gets. */
  readonly activeBytesPerSecond: number;
  readonly activePiecesPerSecond: number;
  /** Operators whom a host lets in, a door each. */
  readonly doorsPerHost: number;
  /** Share of a core, and of a process's memory, that is planned with. */
  readonly plannedShare: number;
  readonly processGib: number;
  /** A month. */
  readonly dollarsPerCore: number;
  readonly dollarsPerGib: number;
  readonly dollarsPerTerabyteOut: number;
  readonly natsServerCores: number;
  /** Of one cluster, each of which has a route to each other one. */
  readonly natsServers: number;
}

export const assumed: Assumed = {
  attachmentsPerHost: 10,
  linksBrokenPerAttachmentHour: 1,
  hostLinesBrokenPerDay: 4,
  activeShare: 0.05,
  activeBytesPerSecond: 4_000,
  activePiecesPerSecond: 10,
  doorsPerHost: 20,
  plannedShare: 0.5,
  processGib: 4,
  dollarsPerCore: 25,
  dollarsPerGib: 3,
  dollarsPerTerabyteOut: 50,
  natsServerCores: 4,
  natsServers: 9,
};
