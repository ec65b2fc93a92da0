"""The rows of the table. Each measures one system in one round: `measure(cell)` gives names and numbers.

A name that ends in `@` holds a recording of a terminal, which the judge (bench/judge.mjs) turns into numbers afterwards, so
that no time goes into understanding what is drawn while it is being timed.
"""

import base64
import os
import random
import select
import signal
import time

import process
from system import Holdfast, SshTmux
from terminal import Bell, Gate, clock, listen, record, settle, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
END = b"<~end of it~>"
PRINT_END = "printf '%s%s\\n' '<~end of' ' it~>'"  # no command line contains it whole


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


class Cell:
    def __init__(self, system, folder, options):
        self.system, self.folder, self.options = system, folder, options

    @property
    def is_raw(self):
        return not self.system.outlives

    def attach(self, session, count=1):
        """Attaches and waits until the clients have their terminals. screen and dtach say that a session is there before it is."""
        for _ in range(5):
            clients = [self.system.attach(session) for _ in range(count)]
            if self.is_raw:
                return clients
            there = wait_for(lambda: all(c.is_raw or c.ended for c in clients), clients)
            if there and not any(c.ended for c in clients):
                return clients
            for client in clients:
                client.hang_up()
            time.sleep(0.1)
        raise RuntimeError("its clients do not attach")

    def text(self, megabytes, coloured=False):
        """A file of lines of words, and what a terminal makes of it. Coloured, escape sequences stand wherever a stream is cut."""
        path = f"{self.options['work']}/text-{megabytes}{'-coloured' if coloured else ''}"
        if not os.path.exists(path):
            chance = random.Random(3)
            words = ["".join(chance.choice("aeioulnrstdm") for _ in range(chance.randint(2, 9))) for _ in range(300)]
            block = "".join(" ".join(chance.choice(words) for _ in range(16))[:79] + "\n" for _ in range(12500)).encode()
            if coloured:
                block = b"".join(b"\x1b[38;2;%d;%d;200m%b\x1b[0m " % (i % 256, i * 7 % 256, word) for i, word in enumerate(block.split(b" ")))
            with open(path, "wb") as file:
                file.write((block * (megabytes * 1000000 // len(block) + 1))[:megabytes * 1000000])
        with open(path, "rb") as file:
            return path, file.read().replace(b"\n", b"\r\n")


# --- echo ---------------------------------------------------------------------------------------------------------------


def _type(client, count):
    """Keystrokes, each after the echo of the one before; milliseconds of each, the first 20 left out."""
    poll = select.poll()
    poll.register(client.fd, select.POLLIN)
    took, missed = [], 0
    for i in range(count + 20):
        key = b"qwertzu"[i % 7:i % 7 + 1]
        began = clock()
        client.type(key)
        at = None
        while poll.poll(1500):
            if key in client.read():
                at = clock()
                break
            if client.ended:
                break
        if at is None:
            missed += 1
            if missed > 5:
                break
        elif i >= 20:
            took.append((at - began) * 1000)
        listen([client], 0.002 + random.random() * 0.001)
    return took, missed


def _latency(prefix, took, missed=0):
    if not took:
        return {prefix + "missed": missed}
    return {prefix + "p50": percentile(took, 50), prefix + "p99": percentile(took, 99), prefix + "max": max(took), prefix + "missed": missed}


def echo(cell):
    system, count = cell.system, cell.options["keys"]
    system.start("quiet", "exec cat")
    [client] = cell.attach("quiet")
    settle([client], 0.3)
    found = _latency("idle_", *_type(client, count))
    sdk = system.sdk() if isinstance(system, Holdfast) else None
    if sdk:
        system.start("asked", "exec cat")
        found.update(_latency("sdk_idle_", sdk.ask(do="echo", session="asked", count=count)["took"]))
    system.start("flood", "exec yes 'a line of eighty columns, again and again, that nobody reads, ever and ever a'")
    drain = None
    if cell.is_raw:  # a flood needs somebody who reads it: another process
        flooding = system.attach("flood")
        drain = os.fork()
        if drain == 0:
            while not flooding.ended:
                select.select([flooding], [], [], 1)
                flooding.read()
            os._exit(0)
    listen([client], 0.7)
    found.update(_latency("flood_", *_type(client, count)))
    if sdk:
        found.update(_latency("sdk_flood_", sdk.ask(do="echo", session="asked", count=count)["took"]))
    if drain:
        os.kill(drain, signal.SIGKILL)
        os.waitpid(drain, 0)
    return found


# --- output -------------------------------------------------------------------------------------------------------------


def _flow(cell, session, megabytes, clients, stuck=0, limit=60.0, quiet=3.0, coloured=False):
    """Prints a file in a session that `clients` read and `stuck` more do not; time until the last reader has its end."""
    system = cell.system
    path, expected = cell.text(megabytes, coloured)
    gate = Gate(f"{cell.folder}/{session}.gate")
    system.start(session, f"read go < {gate.path}; cat {path}; {PRINT_END}; exec sleep 900")
    readers = cell.attach(session, clients)
    asleep = cell.attach(session, stuck) if stuck else []
    gate.await_reader(readers + asleep)
    settle(readers + asleep, 0.2)
    heard = {reader.fd: [] for reader in readers}
    ends = {}
    last = [0.0]
    servers = system.servers()
    cpu = process.cpu_seconds(servers)

    def hear(reader, got):
        pieces = heard[reader.fd]
        pieces.append(got)
        last[0] = clock()
        if reader.fd not in ends and (END in got or (len(pieces) > 1 and END in pieces[-2] + got)):
            ends[reader.fd] = last[0]

    began = last[0] = clock()
    gate.open()
    while len(ends) < clients and clock() - began < limit and clock() - last[0] < quiet:
        listen(readers, 0.02 if clients > 1 else 0.01, hear)
    received = {fd: b"".join(pieces) for fd, pieces in heard.items()}
    whole = [expected in got for got in received.values()]
    share = [100.0 if exact else min(99.99, 100 * len(got) / len(expected)) for exact, got in zip(whole, received.values())]
    found = {"bytes_pct": min(share), "exact": all(whole), "finished": len(ends), "cpu_s": process.cpu_seconds(servers) - cpu}
    if len(ends) == clients:
        found["seconds"] = max(ends.values()) - began
        found["mb_s"] = megabytes / found["seconds"]
    return found


def output(cell):
    found = _flow(cell, "out", cell.options["output_mb"], 1)
    if cell.system.name not in ("tmux", "ssh+tmux", "screen"):  # those draw colours in their own way
        found["colour_exact"] = _flow(cell, "colour", 3, 1, coloured=True)["exact"]
    if isinstance(cell.system, Holdfast):
        sdk = cell.system.sdk()
        path, expected = cell.text(cell.options["output_mb"])
        gate = Gate(cell.folder + "/sdk.gate")
        cell.system.start("sdkout", f"read go < {gate.path}; cat {path}; {PRINT_END}; exec sleep 900")
        sdk.ask(do="read", session="sdkout", end=END.decode())
        gate.await_reader()
        time.sleep(0.2)
        began = clock()
        gate.open()
        done = sdk.hear()
        found["sdk_mb_s"] = cell.options["output_mb"] / (done["at"] - began)
        found["sdk_bytes_pct"] = min(100.0, 100 * done["bytes"] / (len(expected) + len(END) + 2))
    return found


def fan(cell):
    return _flow(cell, "fan", 12, 16, quiet=3.0)


def stalled(cell):
    """Once to warm up, alone, beside one that never reads; then alone again and beside eight, for the memory of one."""
    system, megabytes = cell.system, cell.options["stalled_mb"]
    _flow(cell, "warm", megabytes, 1)
    alone = _flow(cell, "alone", megabytes, 1)
    beside = _flow(cell, "beside", megabytes, 1, stuck=1)
    found = {"bytes_pct": beside["bytes_pct"], "exact": beside["exact"]}
    if "seconds" in beside and "seconds" in alone:
        found.update(alone_s=alone["seconds"], beside_s=beside["seconds"], ratio=beside["seconds"] / alone["seconds"])
    if beside["bytes_pct"] < 1:  # it stalls all: no figure would mean anything
        return found
    for client in system.clients:
        client.hang_up()
    many = 8
    _flow(cell, "again", megabytes, 1)
    time.sleep(1.0)
    before = process.memory_kib(system.servers())
    crowd = _flow(cell, "crowd", megabytes, 1, stuck=many)
    time.sleep(1.0)
    found.update(crowd_pct=crowd["bytes_pct"], each_kib=(process.memory_kib(system.servers()) - before) / many)
    return found


# --- attaching again ------------------------------------------------------------------------------------------------------


def _recording(began, pieces):
    return {"began": began, "pieces": [[at, base64.b64encode(got).decode()] for at, got in pieces]}


def reattach(cell):
    """The screen before leaving and while it comes back; the program's own picture in a bare terminal is the raw row's."""
    system, found = cell.system, {}
    for kind in ("shell", "full"):
        gate = Gate(f"{cell.folder}/{kind}.gate")
        program = f"{cell.options['python']} {HERE}/program.py {cell.options['lines']}" + (" full" if kind == "full" else "")
        system.start(kind, f"read go < {gate.path}; exec {program}")
        [client] = cell.attach(kind)
        gate.await_reader([client])
        settle([client], 0.2)
        gate.open()
        pieces = record(client, 3.0, 0.8)
        found[f"{kind}_before@"] = _recording(client.began, pieces)
        if cell.is_raw:
            continue
        client.hang_up()
        time.sleep(0.3)
        client = system.attach(kind)
        found[f"{kind}_cold@"] = _recording(client.began, record(client, 2.0, 0.5))
        client.hang_up()
        if isinstance(system, Holdfast):
            time.sleep(0.3)
            for name, pause in ((f"{kind}_first", 0), (f"{kind}_warm", 0.2), *(((f"{kind}_slept", 13.0),) if cell.options["slow"] and kind == "shell" else ())):
                time.sleep(pause)
                sdk = system.sdk()
                settle([sdk.terminal], 0.05)
                sdk.send(do="draw", session=kind)
                pieces = record(sdk.terminal, 3.0, 0.25)
                answer = sdk.hear()
                found[name + "@"] = _recording(answer["began"], pieces)
                found[name + "_snapshot_ms"] = (answer["snapshot"] - answer["began"]) * 1000
                found[name + "_bytes"] = answer["bytes"]
    return found


# --- memory ---------------------------------------------------------------------------------------------------------------


def _quietened(system, limit=20.0):
    """Until the servers have nothing more to do."""
    until = clock() + limit
    before = -1.0
    while clock() < until:
        used = process.cpu_seconds(system.servers())
        if used - before < 0.02:
            return
        before = used
        time.sleep(0.5)


def idle_memory(cell):
    """Sessions that sleep. What one more costs, and the sum of all."""
    system, found = cell.system, {}
    few, many = 20, cell.options["sessions"]
    made = 0

    def up_to(count):
        nonlocal made
        if isinstance(system, Holdfast):
            system.sdk().ask(do="open", session=f"batch{made}-", count=count - made, argv=["sleep", "900"], limit=120)
        else:
            for i in range(made, count):
                system.start(f"s{i}", "exec sleep 900")
        made = count
        time.sleep(0.7)
        _quietened(system)
        return process.memory_kib(system.servers())

    empty = process.memory_kib(system.servers()) if system.servers() else 0
    at_few = up_to(few)
    began = clock()
    at_many = up_to(many)
    found.update(each_kib=(at_many - at_few) / (many - few), total_each_kib=at_many / many, empty_kib=empty, open_s=clock() - began, sessions=many)
    if isinstance(system, Holdfast):
        time.sleep(11.0 if cell.options["slow"] else 0.0)
        host = system.host_pid()
        shims = [pid for pid in system.servers() if pid != host]
        found.update(host_kib=process.memory_kib([host]), shims_each_kib=process.memory_kib(shims) / many)
    return found


def full_memory(cell):
    """Sessions that printed 10,000 coloured lines, with somebody attached and with nobody."""
    system, found = cell.system, {}
    count = 20
    program = f"{cell.options['python']} {HERE}/program.py 10000"
    names = [f"full{i}" for i in range(count + 1)]
    gates = []
    for name in names:  # the first pays for what all share
        gate = Gate(f"{cell.folder}/{name}.gate")
        system.start(name, f"read go < {gate.path}; exec {program}")
        gate.await_reader()
        gates.append(gate)
    if isinstance(system, Holdfast):
        system.sdk().ask(do="keep", sessions=names)

    def open_gates(which):
        for gate in which:
            gate.open()
        time.sleep(1.5)
        _quietened(system)
        return process.memory_kib(system.servers())

    base = open_gates(gates[:1])
    attached = open_gates(gates[1:])
    found["attached_kib"] = (attached - base) / count
    if isinstance(system, Holdfast):
        system.sdk().ask(do="leave")
        time.sleep(12.5)
        _quietened(system)
        found["alone_kib"] = (process.memory_kib(system.servers()) - base) / count
    else:
        found["alone_kib"] = found["attached_kib"]
    return found


# --- paste ----------------------------------------------------------------------------------------------------------------


def paste(cell):
    system = cell.system
    data = b"".join(b"%07d %s\n" % (i, b"p" * 55) for i in range(15625))  # 1,000,000 bytes
    found = {}

    def receiver(session):
        path, gate = f"{cell.folder}/{session}.got", Gate(f"{cell.folder}/{session}.gate")
        system.start(session, f"stty raw -echo; : > {path}; read go < {gate.path}; exec cat > {path}")
        return path, gate

    path, gate = receiver("paste")
    [client] = cell.attach("paste")
    gate.await_reader([client])
    gate.open()
    settle([client], 0.4)
    poll = select.poll()
    poll.register(client.fd, select.POLLIN | select.POLLOUT)
    at, size = 0, 0
    began = changed = clock()
    look = 0.0
    while clock() - changed < 2.0:
        for _, event in poll.poll(1):
            if event & select.POLLOUT and at < len(data):
                at += client.type(data[at:at + 4096])
                if at == len(data):
                    poll.modify(client.fd, select.POLLIN)
            if event & select.POLLIN:
                client.read()
        if clock() > look:
            look = clock() + 0.001
            new = os.path.getsize(path)
            if new != size:
                size, changed = new, clock()
            if size >= len(data):
                break
    with open(path, "rb") as file:
        got = file.read()
    found.update(exact=got == data, lost=max(0, len(data) - len(got)))
    if size >= len(data):
        found["mb_s"] = len(data) / 1e6 / (changed - began)
    if isinstance(system, Holdfast):
        path, gate = receiver("sdkpaste")
        gate.await_reader()
        gate.open()
        time.sleep(0.4)
        sdk = system.sdk()
        done = sdk.ask(do="paste", session="sdkpaste", bytes=1000000)
        found["sdk_mb_s"] = 1.0 / (done["ended"] - done["began"])
        wait_for(lambda: os.path.getsize(path) >= 1000000, limit=3)
        found["sdk_exact"] = os.path.getsize(path) == 1000000 == done["written"]
        if done["code"]:
            found.update(sdk_refused=done["code"], sdk_written=done["written"])
            del found["sdk_mb_s"]
    return found


# --- starting -------------------------------------------------------------------------------------------------------------


def start(cell):
    """Commands from cold, one after the other in turn, and `attach` until a marker is on the screen."""
    system, found = cell.system, {}
    commands = {}
    if isinstance(system, Holdfast):
        node = system.settings["node"]
        commands.update(node=[node, "-e", "0"], version=[system.hold, "--version"])
    if not cell.is_raw:
        system.start("one", "printf 'here%s' '-it-is'; exec cat")
        if system.list_command():
            commands["ls"] = system.list_command()
    took = {name: [] for name in (*commands, "attach")}
    env = system.env("client")
    for _ in range(cell.options["starts"]):
        for name, argv in commands.items():
            began = clock()
            pid = os.posix_spawnp(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)])
            os.waitpid(pid, 0)
            took[name].append((clock() - began) * 1000)
        if system.remembers:
            client = system.attach("one")
            seen = []
            if wait_for(lambda: b"here-it-is" in b"".join(seen), (), 0) or _until(client, b"here-it-is", 3.0):
                took["attach"].append((clock() - client.began) * 1000)
            client.hang_up()
    for name, values in took.items():
        if values:
            found[name + "_ms"] = percentile(values, 50)
    return found


def _until(client, text, limit):
    poll = select.poll()
    poll.register(client.fd, select.POLLIN)
    until, seen = clock() + limit, b""
    while clock() < until and not client.ended:
        if poll.poll(50):
            seen = seen[-200:] + client.read()
            if text in seen:
                return True
    return False


# --- killing the server -----------------------------------------------------------------------------------------------------


def restart(cell):
    """SIGKILL of what serves: how many sessions' programs live on, and when all are served again."""
    system = cell.system
    many = cell.options["sessions"] if isinstance(system, Holdfast) else 20
    if isinstance(system, Holdfast):
        sdk = system.sdk()
        sdk.ask(do="open", session="r", count=many, argv=["sleep", "900"], limit=120)
        before = sorted(sdk.ask(do="list")["pids"])
        victim = system.host_pid()
    else:
        for i in range(many):
            system.start(f"r{i}", "exec sleep 900")
        time.sleep(0.5)
        before = system.programs()
        victim = process.parent(before[0])
    time.sleep(0.5)
    began = clock()
    os.kill(victim, signal.SIGKILL)
    found = {"sessions": many}
    if isinstance(system, Holdfast):
        answer = sdk.ask(do="serves", count=many, limit=60)
        found["again_ms"] = (answer["at"] - began) * 1000
        found["same"] = sorted(answer["pids"]) == before
    else:
        time.sleep(0.7)
    found["lost"] = sum(not process.lives(pid) for pid in before)
    return found


# --- Ctrl-C through a slow link ------------------------------------------------------------------------------------------------


def _slow_link(listener, connect, rate):
    """In a process of its own: hands bytes on, towards the client at `rate` bytes a second. Little waits in the kernel on the way."""
    import socket
    pid = os.fork()
    if pid:
        listener.close()
        return pid
    near, _ = listener.accept()
    far = connect()
    for end in (near, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    due = clock()
    try:
        while True:
            wait = due - clock()
            ready, _, _ = select.select([near] if wait > 0 else [near, far], [], [], max(0.0, wait) if wait > 0 else 1)
            if near in ready:
                got = near.recv(65536)
                if not got:
                    break
                far.sendall(got)
            if far in ready:
                got = far.recv(2048)
                if not got:
                    break
                near.sendall(got)
                due = max(due, clock()) + len(got) / rate
    except OSError:
        pass
    os._exit(0)


def interrupt(cell):
    """`yes` flows to a client that gets 100 KB a second; then Ctrl-C is typed. The limit stands for what is not felt within it."""
    system = cell.system
    rate, lead, limit = 100_000, cell.options["flow_s"], cell.options["felt_s"]
    kinds = ["terminal"] + (["link"] if isinstance(system, (Holdfast, SshTmux)) else [])
    found = {}
    for kind in kinds:
        bell = Bell(f"{cell.folder}/{kind}.bell")
        gate = Gate(f"{cell.folder}/{kind}.gate")
        system.start(kind, f"trap : INT; read go < {gate.path}; yes 'a line of eighty columns, again and again, that somebody reads slowly, ever a'; echo x > {bell.path}; {PRINT_END}; exec sleep 900")
        link = None
        if kind == "link":
            import socket
            if isinstance(system, SshTmux):
                listener = socket.create_server(("127.0.0.1", 0))
                system.port_override = listener.getsockname()[1]
                link = _slow_link(listener, lambda: socket.create_connection(("127.0.0.1", system.port)), rate)
            else:
                link = _slow_home(cell, rate)
        [client] = cell.attach(kind)
        gate.await_reader([client], 10)
        settle([client], 0.3)
        gate.open()
        rang = ended = None
        seen = b""
        budget, last = 0.0, clock()
        began = None
        opened = clock()
        while clock() - opened < lead + limit:
            now = clock()
            if began is None and now - opened > lead:
                began = now
                client.type(b"\x03")
            budget = min(4096.0, budget + (now - last) * rate)
            last = now
            if kind == "link" or budget >= 1024:
                got = client.read(65536 if kind == "link" else int(budget))
                budget -= len(got)
                seen = seen[-64:] + got
            if rang is None and bell.rang():
                rang = clock()
            if began and END in seen:
                ended = clock()
                break
            time.sleep(0.002)
        if rang and began:
            found[f"{kind}_stops_ms"] = (rang - began) * 1000
        found[f"{kind}_felt_ms"] = (ended - began if ended else limit) * 1000
        client.hang_up()
        bell.close()
        if link:
            try:
                os.kill(link, signal.SIGKILL)
                os.waitpid(link, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
    return found


def _slow_home(cell, rate):
    """A second home with the same keys, whose socket leads to the first one's host through the slow link."""
    import socket
    system = cell.system
    inner = os.path.join(system.home, os.listdir(system.home)[0])
    outer = os.path.join(cell.folder, "far", os.path.basename(inner))
    os.makedirs(outer + "/run", mode=0o700)
    os.chmod(outer, 0o700)
    for name in os.listdir(inner):
        if name != "run":
            os.symlink(os.path.join(inner, name), os.path.join(outer, name))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(outer + "/run/host.sock")
    os.chmod(outer + "/run/host.sock", 0o600)
    listener.listen(1)

    def connect():
        far = socket.socket(socket.AF_UNIX)
        far.connect(inner + "/run/host.sock")
        return far

    pid = _slow_link(listener, connect, rate)
    system.attach = lambda session: system.open_terminal(["/usr/bin/env", f"HOLDFAST_HOME={cell.folder}/far", system.hold, "attach", session])
    return pid


# Each row: what measures it, the systems, and how many rounds at most (facts and sizes need few).
PEERS = ("raw", "tmux", "screen", "dtach", "abduco", "ssh+tmux", "holdfast")
ROWS = {
    "echo": (echo, PEERS, 99),
    "output": (output, PEERS, 99),
    "fan": (fan, PEERS[1:], 99),
    "stalled": (stalled, PEERS[1:], 99),
    "reattach": (reattach, PEERS, 99),
    "idle-memory": (idle_memory, ("tmux", "screen", "dtach", "abduco", "holdfast"), 2),
    "full-memory": (full_memory, ("tmux", "screen", "holdfast"), 2),
    "paste": (paste, PEERS, 99),
    "start": (start, PEERS[1:], 99),
    "restart": (restart, ("tmux", "screen", "dtach", "abduco", "holdfast"), 3),
    "interrupt": (interrupt, PEERS, 3),
}
