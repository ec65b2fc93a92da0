/** How bytes travel. Every carrier passes the one acceptance suite in testkit. */
export * from "./link.ts";
export * from "./framing.ts";
export * from "./stream-link.ts";
export * from "./unix/home.ts";
export * from "./unix/unix.ts";
export * from "./memory/memory.ts";
export * from "./stdio/stdio.ts";
export * from "./ssh/ssh.ts";
