/**
 * What a process waits for, from /proc/PID/wchan and /proc/PID/syscall. Either may be unreadable: `syscall` needs the right
 * to trace (Yama's ptrace_scope=1 gives it to ancestors only), `wchan` the right to read. One is enough for most answers.
 */
export type Architecture = "x64" | "arm64";

/**
 * `terminal`: blocked in a read of a terminal (or, rarely, of a socket by read(2)). `read`: in read(2), of what is not known.
 * `poll`: in poll, select or epoll. `other`: anything else. `unknown`: neither source could be read.
 */
export type KernelWait = "terminal" | "read" | "poll" | "other" | "unknown";

/** Numbers from asm/unistd_64.h (x64) and asm-generic/unistd.h (arm64, which has no poll, select or epoll_wait). */
const calls: Readonly<Record<Architecture, { readonly read: ReadonlySet<number>; readonly poll: ReadonlySet<number> }>> = {
  // read, readv · poll, select, epoll_wait, pselect6, ppoll, epoll_pwait, epoll_pwait2
  x64: { read: new Set([0, 19]), poll: new Set([7, 23, 232, 270, 271, 281, 441]) },
  // read, readv · pselect6, ppoll, epoll_pwait, epoll_pwait2
  arm64: { read: new Set([63, 65]), poll: new Set([72, 73, 22, 441]) },
};

/** The kernel's functions in which a reader of a terminal sleeps: `wait_woken` since 3.19, n_tty_read before. */
const terminalWaits = new Set(["wait_woken", "n_tty_read"]);
const pollWaits = /^(do_select|do_poll|do_sys_poll|poll_schedule_timeout|ep_poll|do_epoll_wait|core_sys_select)/;

export function waitOf(process: { readonly wchan: string; readonly syscall: number }, architecture: Architecture): KernelWait {
  const where = callName(process.wchan);
  const { read, poll } = calls[architecture];
  if (process.syscall >= 0) {
    if (poll.has(process.syscall)) return "poll";
    if (!read.has(process.syscall)) return "other";
    return where === null ? "read" : terminalWaits.has(where) ? "terminal" : "other";
  }
  if (where === null) return "unknown";
  return terminalWaits.has(where) ? "terminal" : pollWaits.test(where) ? "poll" : "other";
}

/** The function's name, without the suffix a compiler adds (`do_sys_poll.constprop.0`); null where /proc hides it. */
export function callName(wchan: string): string | null {
  const name = wchan.replace(/\..*$/, "");
  return name === "" || name === "0" ? null : name;
}
