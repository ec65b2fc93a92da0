/** The relay's services as gRPC knows them: messages are bytes here, so that what is only passed on is never read. */
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

type Bytes = Buffer;

const same = (bytes: Bytes): Bytes => bytes;

function method(service: string, name: string, isStream: boolean): MethodDefinition<Bytes, Bytes> {
  return {
    path: `/holdfast.v1.${service}/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const relayService = {
  serve: method("RelayService", "Serve", true),
  accept: method("RelayService", "Accept", true),
  reach: method("RelayService", "Reach", true),
  find: method("RelayService", "Find", false),
  heads: method("RelayService", "Heads", false),
} as const satisfies ServiceDefinition;

export const relayAdminService = {
  hosts: method("RelayAdminService", "Hosts", false),
  operators: method("RelayAdminService", "Operators", false),
  invite: method("RelayAdminService", "Invite", false),
  revoke: method("RelayAdminService", "Revoke", false),
  heads: method("RelayAdminService", "Heads", false),
  limits: method("RelayAdminService", "Limits", false),
} as const satisfies ServiceDefinition;

/** Bytes of one message: a piece, or a host's doors. */
export const MESSAGE_BYTES = 1024 * 1024;

/**
 * A dead hop is found by HTTP/2's own ping in 15 s; a stream's window is as large as what a reader may have under way by default, so that one
 * stream fills a line of 20 Mbit/s at 200 ms, and no more waits in a relay for an end that does not read.
 */
export const hop = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.max_receive_message_length": MESSAGE_BYTES,
  "grpc.max_send_message_length": MESSAGE_BYTES,
  "grpc-node.flow_control_window": 512 * 1024,
} as const;
