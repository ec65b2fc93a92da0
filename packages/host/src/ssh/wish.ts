/** Where an SSH server is wanted, as on the command line. Apart from the server: who only reads this loads no SSH. */
import { HoldError } from "@holdfast/protocol";

export interface SshWish {
  readonly address: string;
  readonly port: number;
}

/** Throws `usage` for what can't be listened on. `ADDRESS:PORT`; port 0 takes one that is free. */
export function readSsh(text: string): SshWish {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new HoldError("usage", `${JSON.stringify(text)} is nothing to listen on for ssh; 127.0.0.1:2222 and [::]:2222 are`);
  const named = (bracketed ?? plain)!;
  return { address: named === "localhost" ? "127.0.0.1" : named, port };
}
