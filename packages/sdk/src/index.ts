/** What others call, wherever there is WebCrypto: a page, a worker, Node. What only Node has (sockets, keys in files) stands at `@holdfast/sdk/node`. */
export * from "./everywhere.ts";
export { connect, type WebAddress, type WebBinding, type WebOptions, type WebRelayed } from "./web/connect.ts";
export { joinByInvite, type WebJoined, type WebJoinOptions, whereIs } from "./web/join.ts";
export { credentialFrom, generateKeyPair, type KeyPair, publicKeyOf } from "./web/key.ts";
