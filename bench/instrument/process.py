"""Whose process is whose: found by the cell's folder in a process's environment, or by descent from one that has it there.

  P1  A cell's folder is in the environment of everything that is started for it, and in nothing else's.
  P2  Roles: `program` (what a session runs), `client` (what attaches), `server` (all the rest).
"""

import os
import signal
import time

ROLE = "HOLDFAST_BENCH_ROLE"


def environment(folder, role, more=None):
    return {"PATH": os.environ["PATH"], "HOME": folder, "SHELL": "/bin/sh", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOLDFAST_BENCH_CELL": folder, ROLE: role, **(more or {})}


def as_program(command):
    """argv of a session's program, marked so that it is not counted with the servers."""
    return ["/usr/bin/env", ROLE + "=program", "/bin/sh", "-c", command]


def _status(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        text = file.read()
    fields = text[text.rindex(b")") + 2:].split()
    return fields[0], int(fields[1]), fields  # state, parent, all from the state on


def owned(folder, roots=()):
    """{pid: role} of what lives for the cell. `roots`: servers that write over their own environment (sshd)."""
    folder = folder.encode()
    roles, parents = dict.fromkeys(filter(lives, roots), "server"), {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        pid = int(name)
        try:
            state, parent, _ = _status(pid)
            if state == b"Z":
                continue
            parents[pid] = parent
            with open(f"/proc/{pid}/environ", "rb") as file:
                env = file.read()
        except OSError:
            continue
        if folder + b"\0" in env or folder + b"/" in env:
            role = [v for v in env.split(b"\0") if v.startswith(ROLE.encode() + b"=")]
            roles[pid] = role[0].split(b"=")[1].decode() if role else "server"
    roles.pop(os.getpid(), None)
    for pid in parents:
        line = []
        at = pid
        while at in parents and at not in roles and at != os.getpid():
            line.append(at)
            at = parents[at]
        if at in roles:
            roles.update(dict.fromkeys(line, roles[at]))
    return roles


def pids(folder, role, roots=()):
    return [pid for pid, its in owned(folder, roots).items() if its == role]


def parent(pid):
    return _status(pid)[1]


def lives(pid):
    try:
        return _status(pid)[0] != b"Z"
    except OSError:
        return False


def cpu_seconds(which):
    total = 0
    for pid in which:
        try:
            fields = _status(pid)[2]
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def memory_kib(which):
    """Proportional set size: shared pages are divided among those who share them."""
    total = 0
    for pid in which:
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith(b"Pss:"))
        except (OSError, StopIteration):
            pass
    return total


def end(folder, roots=()):
    """Ends, one by one, what was started for the cell."""
    for _ in range(100):
        left = owned(folder, roots)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.02)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
