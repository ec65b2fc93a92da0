"""Runs the cells: rounds, rows in each round, systems in each row, in an order that turns by one from round to round.

Reads its options as JSON from standard input and writes one JSON object to standard output; says on standard error how far it is.
"""

import json
import os
import shutil
import sys
import time
import traceback

import cells
import system as systems
from terminal import clock


def main():
    options = json.load(sys.stdin)
    options["python"] = os.path.realpath(sys.executable)
    wanted = {kind.name: kind(options) for kind in systems.ALL}
    skipped, versions = {}, {}
    for name, one in list(wanted.items()):
        lacking = one.missing()
        if lacking:
            skipped[name] = lacking
            print(f"{name} is left out: it needs the package {' and '.join(lacking)}", file=sys.stderr)
            del wanted[name]
        else:
            versions[name] = one.version()
    rows = {name: row for name, row in cells.ROWS.items() if not options["only"] or name in options["only"]}
    results, number = [], 0
    for round_number in range(options["rounds"]):
        for row, (measure, names, most) in rows.items():
            if round_number >= most:
                continue
            names = [name for name in names if name in wanted and (not options["systems"] or name in options["systems"])]
            turn = round_number % max(1, len(names))
            for name in names[turn:] + names[:turn]:
                number += 1
                folder = f"{options['work']}/{number}"
                os.mkdir(folder, 0o700)
                one = wanted[name]
                entry = {"row": row, "system": name, "round": round_number, "load": os.getloadavg()[0]}
                began = clock()
                try:
                    one.begin(folder)
                    entry["found"] = measure(cells.Cell(one, folder, options))
                except Exception as fault:  # a cell that fails is a result too
                    entry["error"] = f"{type(fault).__name__}: {fault}"
                    if options["verbose"]:
                        traceback.print_exc()
                finally:
                    one.finish()
                    one.__dict__.pop("attach", None)
                    one.__dict__.pop("port_override", None)
                entry["seconds"] = clock() - began
                shutil.rmtree(folder, ignore_errors=True)
                results.append(entry)
                short = {k: (round(v, 3) if isinstance(v, float) else v) for k, v in entry.get("found", {}).items() if not k.endswith("@")}
                print(f"{round_number + 1}/{options['rounds']} {row:12} {name:9} {entry['seconds']:5.1f} s  {entry.get('error') or short}", file=sys.stderr, flush=True)
    json.dump({"versions": versions, "skipped": skipped, "cells": results, "at": time.time()}, sys.stdout)


main()
