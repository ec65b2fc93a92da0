"""What runs inside a session when its screen is compared: 10,000 lines in all kinds of colour, then a prompt.

Usage: program.py LINES [full]. With `full` a full-screen picture on the alternate screen follows, drawn anew at every SIGWINCH.
"""

import os
import signal
import sys

count = int(sys.argv[1])


def colour(i):
    return (f"\x1b[0;{31 + i % 6}m", f"\x1b[0;1;{91 + i % 6}m", f"\x1b[0;38;5;{20 + i * 5 % 200}m", f"\x1b[0;3;38;2;{i % 256};{i * 3 % 256};{i * 7 % 256}m",
            f"\x1b[0;48;2;{i * 5 % 256};{i * 11 % 256};40m", f"\x1b[0;4;7;{32 + i % 5}m")[i % 6]


def show(text):
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


show("".join(f"{colour(i)}line {i:06d}\x1b[0m {colour(i + 1)}some{'-' * (i % 31)}\x1b[0m {colour(i + 3)}more\x1b[0m 漢字 é ─┼─ of it\r\n" for i in range(count)))


def draw(*_):
    cols, rows = os.get_terminal_size(1)
    cells = ["\x1b[0m\x1b[2J"]
    for y in range(rows - 1):
        cells.append(f"\x1b[{y + 1};1H")
        cells += [f"{colour(y * 13 + x)}{x:03d} ab\x1b[0m " for x in range((cols - 8) // 7)]
        cells.append("漢字" if y % 4 == 0 else "")
    show("".join(cells) + f"\x1b[{rows};3H")


if "full" in sys.argv:
    show("\x1b[?1049h")
    signal.signal(signal.SIGWINCH, draw)
    draw()
else:
    show("\x1b[0;1;32mana@host\x1b[0m:\x1b[38;2;90;140;255m~/work\x1b[0m$ ")
while True:
    signal.pause()
