/** One end of a tunnel, whatever carries it, and how it is told that it is over. */
import type { Readable, Writable } from "node:stream";
import { type ServerDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import { HoldError } from "@holdfast/protocol";

export type Call = ServerDuplexStream<Buffer, Buffer> & { letIn?(): void };

/** A gRPC call, a WebSocket (web.ts), or what comes from another relay (nats/end.ts). */
export type End = Readable &
  Writable & {
    readonly cancelled: boolean;
    getPeer(): string;
    /** Of the audience of its pass, where that is another door's than gRPC's. */
    readonly isMe?: (audience: string) => boolean;
    /** How it ends with why; a gRPC call has its own way. */
    fail?(why: HoldError): void;
    /** Told when whoever calls is let in; before, it is given little (narrow.ts). */
    letIn?(): void;
  };

/** Ends a call that is under way, with why, after what was written. */
export function fail(call: End, why: HoldError): void {
  if (call.destroyed || call.writableEnded) return;
  if (call.fail) return call.fail(why);
  call.emit("error", { code: status.ABORTED, details: `[${why.code}] ${why.message}` } as ServiceError);
}

/** Whether who called has left, so that no event tells of it any more. */
export function hasLeft({ cancelled, destroyed }: End): boolean {
  return cancelled || destroyed;
}

export function told(fault: unknown): HoldError {
  return fault instanceof HoldError ? fault : new HoldError("internal", "the relay failed on that; its log tells more");
}

/** Without the port. */
export function addressOf(call: End): string {
  return call
    .getPeer()
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}

/** Whether an address is this machine's own: what is counted by source is not counted there, where all may be one proxy's. */
export function isHere(from: string): boolean {
  return from === "::1" || from.replace(/^::ffff:/, "").startsWith("127.");
}
