"""A program on a terminal, for tests. argv: COLS ROWS PROGRAM [ARG...].
stdin -> terminal, terminal -> stdout. fd 3: one JSON object a line, {"exit": n} or {"signal": n}, when the program ended;
on fd 4, a line asks for a probe: {"icanon":, "echo":, "isig":, "foregroundPgrp":, "leaderPid":, "kernelInputBytes":, "processes": [...]}.
"""
import errno, fcntl, json, os, pty, select, signal, struct, sys, termios

cols, rows, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pid, master = pty.fork()
if pid == 0:
    for fd in (3, 4):
        try: os.close(fd)
        except OSError: pass
    for number in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(number, signal.SIG_DFL)  # Python ignores them
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
    try: os.execvpe(argv[0], argv, os.environ)
    except OSError as e: os.write(2, str(e).encode()); os._exit(127)
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
slave = fcntl.ioctl(master, 0x5441, os.O_RDWR | os.O_NOCTTY)  # TIOCGPTPEER


def read(path):
    try:
        with open(path) as f: return f.read()
    except OSError: return None


def probe():
    flags = termios.tcgetattr(slave)[3]
    group = os.tcgetpgrp(master)
    processes = []
    for name in os.listdir("/proc"):
        stat = read(f"/proc/{name}/stat") if name.isdigit() else None
        if not stat: continue
        head, tail = stat.rsplit(")", 1)
        fields = tail.split()
        if int(fields[2]) != group or len(processes) == 32: continue
        call = (read(f"/proc/{name}/syscall") or "-1").split()
        number = int(call[0]) if call[0] != "running" else -1
        processes.append({"pid": int(name), "comm": head.split("(", 1)[1], "state": fields[0],
                          "wchan": read(f"/proc/{name}/wchan") or "", "syscall": number,
                          "syscallArg0": int(call[1], 16) if len(call) > 1 else -1})
    waiting = struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, b"\0\0\0\0"))[0]
    return {"icanon": bool(flags & termios.ICANON), "echo": bool(flags & termios.ECHO), "isig": bool(flags & termios.ISIG),
            "foregroundPgrp": group, "leaderPid": pid, "kernelInputBytes": waiting, "queuedInputBytes": 0, "token": 0,
            "processes": processes}


def report(value):
    os.write(3, (json.dumps(value) + "\n").encode())


def main():
    os.set_blocking(master, False)
    pending, inputs, ended = b"", [0, 4], False
    child = os.pidfd_open(pid)
    while True:
        ready, writable, _ = select.select([master] + inputs + ([] if ended else [child]), [master] if pending else [], [], 0.05 if ended else None)
        if writable:
            try: pending = pending[os.write(master, pending):]
            except OSError: pending = b""
        if master in ready:
            try: data = os.read(master, 65536)
            except OSError as e: data = b"" if e.errno == errno.EIO else None
            if data:
                while data: data = data[os.write(1, data):]
                continue
        if 0 in ready:
            data = os.read(0, 65536)
            if data: pending += data
            else: inputs.remove(0); os.kill(pid, signal.SIGHUP)
        if 4 in ready:
            if os.read(4, 4096): report({"probe": probe()})
            else: inputs.remove(4)
        if child in ready:
            ended = True
            status = os.waitpid(pid, 0)[1]
            continue
        if ended and master not in ready:
            report({"exit": os.WEXITSTATUS(status)} if os.WIFEXITED(status) else {"signal": os.WTERMSIG(status)})
            break


try: main()
except BrokenPipeError: os._exit(1)  # the test is over
