#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the results in a meson testlog.json: prints "PASSED FAILED SKIPPED".

A test that says "N passed, N failed" in its last such line counts as that
many.  cmocka's "[  PASSED  ] N test(s)." does too.
"""
import json
import re
import sys

LINE = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
CMOCKA = re.compile(r"\[  PASSED  \] (\d+) test", re.M)


def count(test):
    text = test.get("stdout", "") + test.get("stderr", "")
    if test["result"] == "SKIP":
        return 0, 0, 1
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        return 0, 1, 0
    plain = LINE.findall(text)
    if plain:
        return int(plain[-1][0]), int(plain[-1][1]), 0
    cases = CMOCKA.findall(text)
    return (sum(map(int, cases)) or 1), 0, 0


def main():
    total = [0, 0, 0]
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            for i, number in enumerate(count(json.loads(line))):
                total[i] += number
    print(*total)
    if not any(total):
        sys.exit("no test ran")


main()
