/** The grpc carrier: links through a relay, which both ends dial (docs/relay.md). */
export * from "./address.ts";
export * from "./calls.ts";
export * from "./open.ts";
export * from "./pace.ts";
export * from "./pass.ts";
export * from "./service.ts";
export * from "./tunnel.ts";
