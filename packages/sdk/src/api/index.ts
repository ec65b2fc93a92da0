/**
 * What programs call. One {@link HostClient} is one operator's client of one host: its calls go over one link, which the next call dials
 * again when it has ended. An {@link Attachment} is one operator's binding to one session and outlives links: when the link drops it
 * connects again by itself, resumes after its cursor and sends what was not answered.
 * Every method that can be refused throws {@link HoldError} with a code of packages/protocol/src/code.ts.
 */
export type { HostWitnessing, KeptByRelay, WitnessStore } from "./witness.ts";
export type * from "./approval.ts";
export type * from "./attach.ts";
export type * from "./audit.ts";
export type * from "./client.ts";
export type * from "./files.ts";
export type * from "./handle.ts";
export type * from "./invite.ts";
export type * from "./journal.ts";
export type * from "./kernel.ts";
export type * from "./kernel-follow.ts";
export type * from "./kernel-said.ts";
export type * from "./port.ts";
export type * from "./reach.ts";
export type * from "./work.ts";
export type { NetworkCarrier } from "../client/carriers.ts";
/** What the host answers with, as it came. */
export type {
  Event,
  ExecAnswer,
  Exit,
  Floor,
  FloorMode,
  HostStatusAnswer,
  InputStatus,
  Invitation,
  Kernel,
  KernelAnswer,
  KernelSpec,
  MirrorStatus,
  OperatorInfo,
  OperatorKind,
  Presence,
  ProbeAnswer,
  ScreenAnswer,
  SearchAnswer_Hit,
  Session,
  SessionKind,
  Uplink,
  WaitAnswer,
  WhoamiAnswer,
} from "@holdfast/protocol";
