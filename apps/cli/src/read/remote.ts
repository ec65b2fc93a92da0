import { commandText } from "../show/session.ts";

/** A session of another machine, reached through ssh. */
export interface Remote {
  /** As ssh takes it: `user@box`, `box`, an alias of ssh's own configuration. */
  readonly destination: string;
  readonly port: number | undefined;
}

/**
 * `user@box:NAME`, `box:NAME` or `ssh://user@box:2222/NAME`; null for a session of this machine, whose names and ids have no colon.
 * A destination that ssh would take for an option is none.
 */
export function parseRemote(text: string): { readonly remote: Remote; readonly session: string } | null {
  const url = /^ssh:\/\/((?:[^@/\s]+@)?(?:\[[^\]\s]+\]|[^:/@\s[\]]+))(?::(\d{1,5}))?\/([^/\s]+)$/.exec(text);
  const short = /^((?:[^@:/\s]+@)?(?:\[[^\]\s]+\]|[^:/@\s[\]]+)):([^:/\s]+)$/.exec(text);
  const [, destination, port, session] = url ?? (short ? [text, short[1], undefined, short[2]] : []);
  if (destination === undefined || session === undefined || destination.startsWith("-")) return null;
  return {
    remote: { destination: destination.replace(/\[|\]/g, ""), port: port === undefined ? undefined : Number(port) },
    session,
  };
}

/** How it is written so that {@link parseRemote} reads it. */
export function remoteText({ destination, port }: Remote, session: string): string {
  const [, user = "", host = ""] = /^(.*@)?([^@]*)$/.exec(destination) ?? [];
  const bracketed = `${user}${host.includes(":") ? `[${host}]` : host}`;
  return port === undefined ? `${bracketed}:${session}` : `ssh://${bracketed}:${port}/${session}`;
}

/** What is run to reach its host; `again`: when nobody is there to be asked for a passphrase. */
export function sshCommand(
  { destination, port }: Remote,
  options: { readonly ssh: string; readonly hold: string; readonly as: string | undefined; readonly again: boolean },
): string[] {
  const far = `${options.hold} attach --carrier stdio${options.as === undefined ? "" : ` --as ${commandText([options.as])}`}`;
  return [
    options.ssh,
    "-T",
    // A link that is dead is noticed within a quarter of a minute, whatever TCP thinks.
    ...["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"],
    ...(options.again ? ["-o", "BatchMode=yes"] : []),
    ...(port === undefined ? [] : ["-p", String(port)]),
    "--",
    destination,
    far,
  ];
}
