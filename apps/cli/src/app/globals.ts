/**
 * What may stand anywhere on the line, before or after the command: `--as NAME`, `--host URL`, `--relay URL`,
 * `--context NAME`, `--from-mirror`, `--passphrase-fd N`, `--json`, `--help`;
 * and the part after `--`.
 *   G1  Nothing after the first `--` is ours.
 *   G2  `--json` is taken here, so that a failure to read the rest is reported as the caller asked.
 */
import { usage } from "./fail.ts";

export interface Globals {
  readonly as: string | undefined;
  /** The host that is meant in place of this machine's. */
  readonly host: string | undefined;
  /** The relay that it is behind; several with commas. */
  readonly relay: string | undefined;
  /** By which all that is named. */
  readonly context: string | undefined;
  /** The record in the mirror is meant, and no host is asked. */
  readonly fromMirror: boolean;
  /** Where the passphrase of a key is read from, in place of the terminal. */
  readonly passphraseFd: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
  /** Without `--as`, `--host`, `--relay`, `--context`, `--from-mirror`, `--passphrase-fd`, `--json`, `--help` and what follows `--`. */
  readonly rest: readonly string[];
  readonly tail: readonly string[] | undefined;
}

export function splitGlobals(argv: readonly string[]): Globals {
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  const rest: string[] = [];
  let as: string | undefined;
  let host: string | undefined;
  let relay: string | undefined;
  let context: string | undefined;
  let passphraseFd: number | undefined;
  let fromMirror = false;
  let json = false;
  let help = false;
  for (let i = 0; i < own.length; i++) {
    const word = own[i]!;
    if (word === "--as") {
      as = own[++i];
      if (as === undefined || as === "")
        throw usage("--as needs the name of a credential, e.g. `--as ana`; `hold operator ls` lists operators");
    } else if (word.startsWith("--as=")) as = word.slice(5);
    else if (word === "--host") {
      host = own[++i];
      if (host === undefined || host === "")
        throw usage("--host needs the address of a host, e.g. `--host wss://box.example:7433`, or with a relay its name");
    } else if (word.startsWith("--host=")) host = word.slice(7);
    else if (word === "--relay") {
      const named = own[++i];
      if (named === undefined || named === "")
        throw usage("--relay needs the address of a relay, e.g. `--relay https://relay.example:7444`");
      relay = beside(relay, named);
    } else if (word.startsWith("--relay=")) relay = beside(relay, word.slice(8));
    else if (word === "--context") {
      context = own[++i];
      if (context === undefined || context === "") throw usage("--context needs a name; `hold context ls` shows them");
    } else if (word.startsWith("--context=")) context = word.slice(10);
    else if (word === "--passphrase-fd") passphraseFd = descriptor(own[++i]);
    else if (word.startsWith("--passphrase-fd=")) passphraseFd = descriptor(word.slice(16));
    else if (word === "--from-mirror") fromMirror = true;
    else if (word === "--help" || word === "-h") help = true;
    else if (word === "--json") json = true;
    else rest.push(word);
  }
  return {
    as,
    host,
    relay,
    context,
    passphraseFd,
    fromMirror,
    json,
    help,
    rest,
    tail: end < 0 ? undefined : argv.slice(end + 1),
  };
}

/** Relays said one by one are the same as said at once. */
const beside = (relays: string | undefined, relay: string): string => (relays === undefined ? relay : `${relays},${relay}`);

function descriptor(text: string | undefined): number {
  if (text !== undefined && /^\d{1,4}$/.test(text)) return Number(text);
  throw usage("--passphrase-fd needs the number of an open file descriptor, e.g. `--passphrase-fd 3 3<file`");
}
