/** Who meets whom: a relay that introduces operators to hosts and passes on what it can't read. It knows no session. */
export { askRelay } from "./admin.ts";
export * from "./book.ts";
export type { Call, End } from "./end.ts";
export { meantBy } from "./identity.ts";
export * from "./relay.ts";
export * from "./run.ts";
export * from "./server.ts";
