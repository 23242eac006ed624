#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""expect-output.py FILE COMMAND [ARG]...

Runs a command that must succeed, and print what the file holds.
"""
import difflib
import subprocess
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        want = file.read()
    result = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, text=True,
                            check=False)
    if result.returncode:
        print(f"exit status {result.returncode}")
        return 1
    for line in difflib.unified_diff(want.splitlines(),
                                     result.stdout.splitlines(),
                                     "expected", "printed", lineterm=""):
        print(line)
    return result.stdout != want


if __name__ == "__main__":
    sys.exit(main())
