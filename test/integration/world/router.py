"""
A router between namespaces, in userspace: each end is a tun device in the namespace of a process, and what passes is
dropped, held back, slowed or readdressed as stdin says. It needs no kernel module but tun.

  python3 router.py NAME=PID=ADDRESS ...

A line of stdin is one JSON object, each answered by one line of stdout:
  {"way": ["op", "relay"], "drop": 0.1, "delay": 0.2, "jitter": 0.1, "rate": 32000}   replaces what held for that direction
  {"shut": "host"}                        no connection begins from outside to that end, nor does anything but TCP arrive
  {"rebind": "op"}                        a NAT before that end forgets its flows: their packets get new source ports
  {"address": ["op", "10.9.0.9"]}         that end has this address from now on
  {}                                      only asks: {"passed": .., "dropped": .., "shut": .., "begun": {"op": connections that it asked for, each once}}
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
QUEUE_SECONDS = 1.0
libc = ctypes.CDLL(None, use_errno=True)


def device_in(pid):
    """A tun device of that process's network."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    theirs = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if libc.setns(theirs, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", b"net0", IFF_TUN | IFF_NO_PI))
        return fd
    finally:
        libc.setns(own, CLONE_NEWNET)
        os.close(own)
        os.close(theirs)


class Way:
    """One direction between two ends."""

    def __init__(self, drop=0.0, delay=0.0, jitter=0.0, rate=0):
        self.drop, self.delay, self.jitter, self.rate = drop, delay, jitter, rate
        self.free_at = 0.0

    def due(self, size, now):
        """When a packet arrives; None: never."""
        if self.drop >= 1 or (self.drop > 0 and random.random() < self.drop):
            return None
        at = now
        if self.rate:
            at = max(now, self.free_at)
            if at - now > QUEUE_SECONDS:
                return None
            self.free_at = at = at + size / self.rate
        if self.delay or self.jitter:
            at += max(0.0, self.delay + random.uniform(-self.jitter, self.jitter))
        return at


class Nat:
    """Source ports of an end, as those behind it see them: shifted by a number that changes when flows are forgotten."""

    def __init__(self):
        self.shift = 0

    def out(self, packet):
        return set_port(packet, 0, self.shift)

    def into(self, packet):
        return set_port(packet, 2, -self.shift)


def set_port(packet, at, shift):
    if shift == 0 or packet[9] != 6:
        return packet
    head = (packet[0] & 15) * 4
    (old,) = struct.unpack_from("!H", packet, head + at)
    new = 1024 + (old - 1024 + shift) % 64512
    (check,) = struct.unpack_from("!H", packet, head + 16)
    total = (~check & 0xFFFF) + (~old & 0xFFFF) + new
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    changed = bytearray(packet)
    struct.pack_into("!H", changed, head + at, new)
    struct.pack_into("!H", changed, head + 16, ~total & 0xFFFF)
    return bytes(changed)


class Router:
    def __init__(self, ends):
        self.fds, self.names, self.at = {}, {}, {}
        for name, pid, address in ends:
            fd = device_in(pid)
            self.fds[name], self.names[fd] = fd, name
            self.at[socket.inet_aton(address)] = name
        self.ways, self.nats, self.shut = {}, {}, set()
        self.queue, self.order, self.flows = [], 0, set()
        self.counts = {"passed": 0, "dropped": 0, "shut": 0, "begun": {}}

    def obey(self, word):
        if "way" in word:
            way = tuple(word.pop("way"))
            self.ways[way] = Way(**word)
        elif "shut" in word:
            self.shut.add(word["shut"])
        elif "rebind" in word:
            self.nats.setdefault(word["rebind"], Nat()).shift += 1009
        elif "address" in word:
            name, address = word["address"]
            self.at = {a: n for a, n in self.at.items() if n != name}
            self.at[socket.inet_aton(address)] = name
        return self.counts

    def meet(self, name, packet, now):
        if packet[0] >> 4 != 4:
            return
        if name in self.nats:
            packet = self.nats[name].out(packet)
        to = self.at.get(packet[16:20])
        if to is None or to == name:
            return
        if begins(packet):
            flow = (packet[12:20], packet[20:24])
            if flow not in self.flows:
                self.flows.add(flow)
                self.counts["begun"][name] = self.counts["begun"].get(name, 0) + 1
            if to in self.shut:
                self.counts["shut"] += 1
                return
        due = self.ways[name, to].due(len(packet), now) if (name, to) in self.ways else now
        if due is None:
            self.counts["dropped"] += 1
        elif due <= now:
            self.deliver(to, packet)
        else:
            self.order += 1
            heapq.heappush(self.queue, (due, self.order, to, packet))

    def deliver(self, to, packet):
        if to in self.nats:
            packet = self.nats[to].into(packet)
        try:
            os.write(self.fds[to], packet)
            self.counts["passed"] += 1
        except OSError:
            # The end's link is down.
            self.counts["dropped"] += 1

    def run(self):
        poll = select.poll()
        poll.register(0, select.POLLIN)
        for fd in self.names:
            poll.register(fd, select.POLLIN)
        said = b""
        while True:
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, to, packet = heapq.heappop(self.queue)
                self.deliver(to, packet)
            wait = None if not self.queue else max(0, (self.queue[0][0] - now) * 1000)
            for fd, _ in poll.poll(wait):
                if fd == 0:
                    more = os.read(0, 65536)
                    if not more:
                        return
                    *lines, said = (said + more).split(b"\n")
                    for line in lines:
                        print(json.dumps(self.obey(json.loads(line))), flush=True)
                    continue
                for _ in range(64):
                    try:
                        packet = os.read(fd, 65536)
                    except OSError:
                        break
                    self.meet(self.names[fd], packet, time.monotonic())


def begins(packet):
    """Whether nothing that was sent from inside is answered by it."""
    if packet[9] != 6:
        return True
    flags = packet[(packet[0] & 15) * 4 + 13]
    return flags & 0x02 != 0 and flags & 0x10 == 0


ends = [(name, int(pid), address) for name, pid, address in (arg.split("=") for arg in sys.argv[1:])]
router = Router(ends)
print(json.dumps({"ready": True}), flush=True)
router.run()
