/** The processes of the relay's bench that are not the relay: `ends.ts ROLE [URL]`. They are asked by standard input (talking.ts). */
import { relayAddress } from "@holdfast/carrier/grpc";
import { hosts, operators } from "./crowd.ts";
import { sink, source } from "./pour.ts";
import { typing } from "./typing.ts";

const [, , role = "", url = ""] = process.argv;
const roles = { hosts, operators, source, sink, typing };
await roles[role as keyof typeof roles](relayAddress(url || "http://127.0.0.1:1"));
