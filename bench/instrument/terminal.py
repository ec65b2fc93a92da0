"""A terminal as a program sees it, held by this process: what is typed goes in at one end, what would be drawn comes out.

  T1  Nothing is interpreted here. A reading is bytes and the time at which they were there, by CLOCK_MONOTONIC, which
      Node's process.hrtime shares.
  T2  Reads take what is there and never wait; waiting is done in one place, with poll.
"""

import fcntl
import os
import select
import signal
import struct
import termios
import time

COLS, ROWS = 120, 40
clock = time.monotonic

# What a terminal answers when it is asked who and where it is: programs wait for it.
ANSWERS = ((b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b[0c", b"\x1b[?62;22c"), (b"\x1b[>c", b"\x1b[>41;354;0c"),
           (b"\x1b[>0c", b"\x1b[>41;354;0c"), (b"\x1b[5n", b"\x1b[0n"), (b"\x1b[6n", b"\x1b[1;1R"))


class Terminal:
    """`argv` in a PTY of its own. `began` is the moment before it was started."""

    def __init__(self, argv, env, stdin=None, inherit=()):
        self.fd, slave = os.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLS, 0, 0))
        path = os.ttyname(slave)
        os.close(slave)
        # After setsid the first terminal that is opened becomes the controlling one.
        actions = [(os.POSIX_SPAWN_OPEN, 1, path, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
        actions.insert(1, (os.POSIX_SPAWN_DUP2, 1 if stdin is None else stdin, 0))
        actions += [(os.POSIX_SPAWN_DUP2, ours, theirs) for ours, theirs in inherit]
        self.began = clock()
        self.pid = os.posix_spawnp(argv[0], argv, env, setsid=True, setsigdef=[signal.SIGPIPE], file_actions=actions)
        os.set_blocking(self.fd, False)
        self.ended = False

    def fileno(self):
        return self.fd

    def read(self, most=65536):
        """What is there: bytes, empty if nothing. Sets `ended` at the end."""
        try:
            got = os.read(self.fd, most)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: nobody has the other end any more
            got = b""
        if not got:
            self.ended = True
        return got

    def type(self, data):
        """Types what the terminal takes now; returns how much that was."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    @property
    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def hang_up(self):
        """Closes the window; ends the program if it does not take the hint."""
        if self.fd is None:
            return
        os.close(self.fd)
        self.fd = None
        for wait in range(400):
            try:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return
            except ChildProcessError:
                return
            if wait == 200:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)


def wait_for(done, terminals=(), limit=10.0, step=0.005):
    """Reads `terminals` until `done()`; whether it came true before the limit."""
    until = clock() + limit
    while clock() < until:
        if done():
            return True
        listen(terminals, step)
    return False


def listen(terminals, seconds, hear=None):
    """Reads everything that comes in the next `seconds`."""
    until = clock() + seconds
    poll = select.poll()
    open_ones = {t.fd: t for t in terminals if t.fd is not None and not t.ended}
    for fd in open_ones:
        poll.register(fd, select.POLLIN)
    while True:
        left = until - clock()
        if left <= 0:
            return
        if not open_ones:
            time.sleep(left)
            return
        for fd, _ in poll.poll(max(1, left * 1000)):
            got = open_ones[fd].read()
            if got and hear:
                hear(open_ones[fd], got)
            if open_ones[fd].ended:
                poll.unregister(fd)
                del open_ones[fd]


def settle(terminals, quiet=0.15, limit=3.0):
    """Reads until nothing came for `quiet` seconds."""
    last = [clock()]

    def heard(_terminal, _got):
        last[0] = clock()

    until = last[0] + limit
    while clock() < until and clock() - last[0] < quiet:
        listen(terminals, 0.02, heard)


def record(terminal, first, quiet, limit=8.0):
    """What is drawn, piece by piece with its time, until nothing comes for `quiet`; queries are answered as a terminal does."""
    pieces = []
    poll = select.poll()
    poll.register(terminal.fd, select.POLLIN)
    until = clock() + limit
    while clock() < until and poll.poll((quiet if pieces else first) * 1000):
        got = terminal.read()
        if terminal.ended:
            break
        if got:
            pieces.append((clock(), got))
            for question, answer in ANSWERS:
                if question in got:
                    terminal.type(answer)
    return pieces


class Gate:
    """A FIFO that a session's program waits at (`read x < PATH`). Opening it for writing shows that the program is there."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        self.fd = None

    def await_reader(self, terminals=(), limit=10.0):
        def there():
            try:
                self.fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False
            return True

        if not wait_for(there, terminals, limit):
            raise TimeoutError("the session's program did not come to its gate")

    def open(self):
        os.write(self.fd, b"go\n")
        os.close(self.fd)


class Bell:
    """A FIFO that a session's program writes to; the time at which it did is when its ring is read here."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def rang(self):
        try:
            return bool(os.read(self.fd, 4096))
        except BlockingIOError:
            return False

    def close(self):
        os.close(self.fd)
