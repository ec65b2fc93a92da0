"""The programs of the scenarios, in a terminal that passes every byte as it is: python3 program.py MODE FILE [BYTES].

  sink    appends what it reads to FILE
  count   long numbered lines without end, on the terminal and in FILE alike; at `?` it says its pid and a word that only its memory
          holds; at `x` it ends with exit code 7
  print   at `g`: BYTES of what builds print, between two marks, on the terminal and in FILE alike; any other key is named with
          its pid
  flow    the same, and after BYTES it goes on slowly until a key is pressed
"""

import os
import secrets
import select
import sys
import tty

mode, path = sys.argv[1], sys.argv[2]
tty.setraw(0)
copy = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def whole(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def say(text):
    """On the terminal first: what is in the file has been printed."""
    data = text.encode()
    whole(1, data)
    whole(copy, data)


def ready():
    whole(1, b"<ready>")


if mode == "sink":
    ready()
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        whole(copy, data)
elif mode == "count":
    word = secrets.token_hex(8)
    padding = "." * 1200
    n = 0
    ready()
    while True:
        n += 1
        say(f"{padding} line {n}\r\n")
        if not select.select([0], [], [], 0.0005)[0]:
            continue
        for key in os.read(0, 4096).decode(errors="replace"):
            if key == "?":
                say(f"<pid {os.getpid()} word {word}>\r\n")
            if key == "x":
                say("<last words>\r\n")
                sys.exit(7)
else:
    amount = int(sys.argv[3])

    def build(lines, enough):
        """Prints lines of a build until there are enough of them."""
        while not enough():
            lines[0] += 1
            module = secrets.token_hex(16)
            say(f"\x1b[32m[{lines[0]:6}]\x1b[0m compiling module_{module}… ok\r\n  {lines[0] % 100} %\r")

    def pressed():
        return select.select([0], [], [], 0.003)[0] and os.read(0, 1)

    ready()
    while True:
        key = os.read(0, 1)
        if key != b"g":
            whole(1, f"<{key.decode()} pid {os.getpid()}>".encode())
            continue
        say("<begin>")
        lines = [0]
        build(lines, lambda: os.fstat(copy).st_size >= amount)
        while mode == "flow" and not pressed():
            goal = lines[0] + 16
            build(lines, lambda: lines[0] >= goal)
        say("<end>")
