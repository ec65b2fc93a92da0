/** Listening on a network, as a host and a relay both do. */
export { Gate, hostText, type Listen, type ListenWish, reachedAt, readListen, valuesOf } from "./gate.ts";
export { type PageAnswer, pageFolder, readPage } from "./page.ts";
export { paramsIn } from "./route.ts";
