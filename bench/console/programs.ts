/** What runs in the sessions that are looked at. */

/** Stands below what is waited for. */
export const MARK = "that is all of it";

/** Lines in all kinds of colour, then the mark, then whatever is typed. */
export const coloured = (lines: number): readonly string[] => [
  "python3",
  "-c",
  `
import os, sys
for i in range(${lines}):
    looks = ("1", "2", "3", "4", "7", "9", "38;5;%d" % (16 + i % 240), "38;2;%d;%d;90" % (i % 256, i * 7 % 256), "48;5;%d" % (16 + i % 200))[i % 9]
    print("\\033[%dm%6d\\033[0m \\033[%sma line in its own look \\u00e9 \\u6f22\\u5b57\\033[0m %s" % (31 + i % 7, i, looks, "=" * (i % 60)))
print("${MARK}")
sys.stdout.flush()
os.execvp("cat", ["cat"])
`,
];

/** So many bytes of numbers; then there is a file `done`. */
export const flood = (bytes: number, done: string): readonly string[] => [
  ...["bash", "-c", `seq 1 900000000 | head -c ${bytes}; echo; echo '${MARK}'; : > "$0"; exec cat`],
  done,
];

/** Numbers until there is a file `stop`; into `done` goes when the last byte was written, in seconds since 1970. */
export const floodUntil = (stop: string, done: string): readonly string[] => [
  "bash",
  "-c",
  `while [ ! -e "$0" ]; do seq 1 20000; done; echo '${MARK}'; printf %s "$EPOCHREALTIME" > "$1.new"; mv "$1.new" "$1"; exec cat`,
  stop,
  done,
];

/** After a line was typed: so many lines in so many seconds, and the next so many. */
export const steady = (...phases: readonly { readonly lines: number; readonly seconds: number }[]): readonly string[] => [
  "python3",
  "-c",
  `
import sys, time
sys.stdin.readline()
n = 0
for lines, seconds in ${JSON.stringify(phases.map(({ lines, seconds }) => [lines, seconds]))}:
    began = time.monotonic()
    for i in range(lines):
        n += 1
        print("\\033[%dm%8d\\033[0m \\033[1ma line\\033[0m of many %s" % (31 + n % 7, n, "=" * (n % 60)), flush=True)
        left = began + (i + 1) * seconds / lines - time.monotonic()
        if left > 0:
            time.sleep(left)
print("${MARK}", flush=True)
sys.stdin.readline()
`,
];
