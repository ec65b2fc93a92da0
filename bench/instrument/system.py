"""The systems beside each other: how each starts a session, attaches to it and lists them.

  S1  A cell is one system in one round for one row. It has a fresh folder, fresh servers, and leaves nothing behind.
  S2  Each peer is set as its users would who want what Holdfast does: 12,000 lines of history, no delay after Escape, no status
      line. Nothing else is tuned.
"""

import json
import os
import select
import shlex
import shutil
import socket
import subprocess
import time

import process
from terminal import COLS, ROWS, Terminal, clock


class System:
    name = "?"
    packages = {}  # program: Debian package
    shared = True  # several clients at once
    outlives = True  # a session needs no client
    remembers = True  # keeps a screen to draw again

    def __init__(self, settings):
        self.settings = settings

    def missing(self):
        return [package for program, package in self.packages.items() if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")]

    def version(self):
        return ""

    def begin(self, folder):
        self.folder = folder
        self.clients = []
        self.roots = []
        self.prepare()

    def finish(self):
        for client in self.clients:
            client.hang_up()
        process.end(self.folder, self.roots)
        process.reap()

    def env(self, role, more=None):
        return process.environment(self.folder, role, more)

    def run(self, argv, role="server", check=True, limit=30):
        """A command that leaves daemons behind must not be able to keep our pipes open: it gets none."""
        done = subprocess.run(argv, env=self.env(role), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {shlex.join(argv[:7])} ended with {done.returncode}")
        return done.returncode

    def open_terminal(self, argv, role="client", **how):
        client = Terminal(argv, self.env(role), **how)
        self.clients.append(client)
        return client

    def servers(self):
        return process.pids(self.folder, "server", self.roots)

    def programs(self):
        return process.pids(self.folder, "program", self.roots)

    def prepare(self):
        pass

    def start(self, session, command):
        raise NotImplementedError

    def attach(self, session):
        raise NotImplementedError

    def list_command(self):
        return None


class Raw(System):
    """The floor: the program in a PTY that the instrument holds."""

    name, shared, outlives, remembers = "raw", False, False, False

    def prepare(self):
        self.commands = {}

    def start(self, session, command):
        self.commands[session] = command

    def attach(self, session):
        return self.open_terminal(process.as_program(self.commands[session]), "program")


class Tmux(System):
    name = "tmux"
    packages = {"tmux": "tmux"}

    def version(self):
        return subprocess.run(["tmux", "-V"], capture_output=True, text=True).stdout.strip()

    def prepare(self):
        with open(self.folder + "/conf", "w") as file:
            file.write("set -g status off\nset -g history-limit 12000\nset -g escape-time 0\n")
        self.tmux = ["tmux", "-S", self.folder + "/sock", "-f", self.folder + "/conf"]

    def start(self, session, command):
        self.run([*self.tmux, "new-session", "-d", "-x", str(COLS), "-y", str(ROWS), "-s", session, *process.as_program(command)])

    def attach_command(self, session):
        return [*self.tmux, "attach-session", "-t", "=" + session]

    def attach(self, session):
        return self.open_terminal(self.attach_command(session))

    def list_command(self):
        return [*self.tmux, "list-sessions"]


class SshTmux(Tmux):
    """tmux behind an sshd of our own: loopback port, keys made for the cell."""

    name = "ssh+tmux"
    packages = {"tmux": "tmux", "ssh": "openssh-client", "sshd": "openssh-server"}
    port_override = None

    def version(self):
        return subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.split(",")[0].strip()

    def prepare(self):
        super().prepare()
        for key in ("host", "user"):
            self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{key}"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(self.folder + "/sshd_config", "w") as file:
            file.write(f"""ListenAddress 127.0.0.1
Port {self.port}
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
MaxStartups 100
MaxSessions 100
""")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
        daemon = subprocess.Popen([sshd, "-D", "-f", self.folder + "/sshd_config"], env=self.env("server"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.roots.append(daemon.pid)
        for _ in range(1000):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError("ssh+tmux: its sshd does not listen")

    def attach(self, session):
        remote = shlex.join(["env", "LANG=C.UTF-8", *self.attach_command(session)])
        options = [f"-o{o}" for o in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=QUIET", "IdentitiesOnly=yes", "EscapeChar=none")]
        return self.open_terminal(["ssh", "-tt", "-F", "none", "-p", str(self.port_override or self.port), "-i", self.folder + "/user", *options, "127.0.0.1", remote])


class Screen(System):
    name = "screen"
    packages = {"screen": "screen"}

    def version(self):
        words = subprocess.run(["screen", "--version"], capture_output=True, text=True).stdout.split()
        return " ".join(words[:1] + words[2:3]).lower()

    def prepare(self):
        os.mkdir(self.folder + "/socks", 0o700)
        with open(self.folder + "/rc", "w") as file:
            file.write("startup_message off\ndefscrollback 12000\ndefutf8 on\naltscreen on\nvbell off\n")
        self.screen = ["screen", "-c", self.folder + "/rc", "-U"]

    def env(self, role, more=None):
        return super().env(role, {"SCREENDIR": self.folder + "/socks", **(more or {})})

    def start(self, session, command):
        self.run([*self.screen, "-dmS", session, *process.as_program(command)])

    def attach(self, session):
        return self.open_terminal([*self.screen, "-x", session])

    def list_command(self):
        return ["screen", "-ls"]


class Dtach(System):
    name, remembers = "dtach", False
    packages = {"dtach": "dtach"}

    def version(self):
        words = subprocess.run(["dtach", "--version"], capture_output=True, text=True).stdout.split()
        return f"dtach {words[3]}" if len(words) > 3 else "dtach"

    def start(self, session, command):
        self.run(["dtach", "-n", f"{self.folder}/{session}.s", "-E", "-z", "-r", "winch", *process.as_program(command)])

    def attach(self, session):
        return self.open_terminal(["dtach", "-a", f"{self.folder}/{session}.s", "-E", "-z", "-r", "winch"])


class Abduco(System):
    name, remembers = "abduco", False
    packages = {"abduco": "abduco"}

    def version(self):
        return " ".join(subprocess.run(["abduco", "-v"], capture_output=True, text=True).stdout.split()[:1]).replace("-", " ")

    def env(self, role, more=None):
        return super().env(role, {"ABDUCO_SOCKET_DIR": self.folder, **(more or {})})

    def start(self, session, command):
        self.run(["abduco", "-n", session, *process.as_program(command)])

    def attach(self, session):
        return self.open_terminal(["abduco", "-a", session])

    def list_command(self):
        return ["abduco"]


class Holdfast(System):
    """`hold attach` in a PTY. Its line of who is there is off, as tmux's status line is."""

    name = "holdfast"

    def version(self):
        return subprocess.run([self.settings["hold"], "--version"], capture_output=True, text=True).stdout.strip()

    def prepare(self):
        self.hold = self.settings["hold"]
        self.home = self.folder + "/h"
        os.makedirs(self.folder + "/config/holdfast")
        with open(self.folder + "/config/holdfast/config.toml", "w") as file:
            file.write('[attach]\nstatus = "0s"\n')
        profile = self.settings.get("profile")
        options = f"--cpu-prof --cpu-prof-interval 200 --cpu-prof-dir {profile}" if profile else None
        self.host_options = {"HOLDFAST_HOST_FLAGS": options} if options else {}
        subprocess.run([self.hold, "host", "up"], env=self.env("server", self.host_options), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=30)
        self.sdk_client = None

    def env(self, role, more=None):
        return super().env(role, {"HOLDFAST_HOME": self.home, "XDG_CONFIG_HOME": self.folder + "/config", **(more or {})})

    def start(self, session, command):
        self.run([self.hold, "new", session, "-d", "--size", f"{COLS}x{ROWS}", "--", *process.as_program(command)], "client")

    def attach(self, session):
        return self.open_terminal([self.hold, "attach", session])

    def list_command(self):
        return [self.hold, "ls"]

    def host_pid(self):
        """The Node process among the servers: the keeper and the shims are the other program."""
        for pid in self.servers():
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "node":
                    return pid
            except OSError:
                pass
        return None

    def sdk(self):
        if self.sdk_client is None:
            self.sdk_client = SdkClient(self)
        return self.sdk_client

    def finish(self):
        if self.sdk_client:
            self.sdk_client.leave()
        try:
            self.run([self.hold, "host", "down"], "client", check=False, limit=10)
        except subprocess.TimeoutExpired:
            pass
        if self.settings.get("profile"):
            time.sleep(1.5)
        super().finish()


class SdkClient:
    """A running program that uses the SDK: takes orders as JSON lines, answers on a pipe, and draws on a terminal of its own."""

    def __init__(self, system):
        orders, self.orders = os.pipe()
        self.answers, answers = os.pipe()
        # Above any number that the new process itself is given first.
        high = os.dup2(answers, 60, inheritable=True)
        self.terminal = system.open_terminal([system.settings["node"], system.settings["client"]], stdin=orders, inherit=[(high, 3)])
        for fd in (orders, answers, high):
            os.close(fd)
        self.buffer = b""
        self.hear()

    def send(self, **order):
        os.write(self.orders, (json.dumps(order) + "\n").encode())

    def ask(self, limit=60, **order):
        self.send(**order)
        return self.hear(limit)

    def hear(self, limit=60):
        """Reads its terminal meanwhile, or it could not write."""
        until = clock() + limit
        poll = select.poll()
        poll.register(self.answers, select.POLLIN)
        poll.register(self.terminal.fd, select.POLLIN)
        drawn = b""
        while b"\n" not in self.buffer:
            if clock() > until:
                raise TimeoutError("the SDK client does not answer; it drew: " + repr(drawn[-2000:]))
            for fd, _ in poll.poll(1000):
                if fd == self.answers:
                    got = os.read(fd, 1 << 20)
                    if not got:
                        raise RuntimeError("the SDK client ended: " + drawn.decode(errors="replace")[-2000:])
                    self.buffer += got
                else:
                    drawn += self.terminal.read()
        line, self.buffer = self.buffer.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError("the SDK client: " + answer["error"])
        return answer

    def leave(self):
        os.close(self.orders)
        os.close(self.answers)


ALL = [Raw, Tmux, Screen, Dtach, Abduco, SshTmux, Holdfast]
