#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-cases.py [--root DIR] [--self-test]

The cases that docs/limits.md names, in the column "cases" of its tables, must
be ones that a real kernel was asked (tests/conformance/recorded).  A name may
be a pattern, and one without a slash is of the same file as the one before.
"""
import argparse
import fnmatch
import glob
import os
import re
import sys

PAGE = "docs/limits.md"
RECORDED = "tests/conformance/recorded/*.txt"
CODE = re.compile(r"`([^`]+)`")


def named_cases(text):
    """(line, pattern) of each case of the page."""
    column = None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("|"):
            column = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if column is None:
            column = cells.index("cases") if "cases" in cells else -1
            continue
        if column < 0 or column >= len(cells):
            continue
        prefix = ""
        for pattern in CODE.findall(cells[column]):
            if "/" in pattern:
                prefix = pattern.split("/")[0] + "/"
            else:
                pattern = prefix + pattern
            yield number, pattern


def check(text, cases):
    return [f"{PAGE}:{number}: no case {pattern} was recorded; name one, or "
            "none"
            for number, pattern in named_cases(text)
            if not fnmatch.filter(cases, pattern)]


def run(root, out):
    cases = set()
    for path in glob.glob(os.path.join(root, RECORDED)):
        with open(path, encoding="utf-8") as file:
            cases |= {line.split(" ")[0] for line in file}
    with open(os.path.join(root, PAGE), encoding="utf-8") as file:
        text = file.read()
    found = check(text, cases)
    for line in found:
        print(line, file=out)
    count = len(list(named_cases(text)))
    print(f"{count - len(found)} passed, {len(found)} failed", file=out)
    return len(found)


HEAD = "| what | cases |\n|---|---|\n"
KNOWN = {"a/one", "a/two_b", "c/one"}

# Self-test: a page, and whether it must be refused.
CASES = [
    (HEAD + "| x | `a/one`, `two_*` |\n", False),
    (HEAD + "| x | |\n", False),
    (HEAD + "| x | `a/none` |\n", True),
    (HEAD + "| x | `c/one`, `two_*` |\n", True),
    ("| what | why |\n|---|---|\n| x | `a/none` |\n", False),
]


def self_test():
    wrong = 0
    for number, (text, must_fail) in enumerate(CASES, 1):
        if bool(check(text, KNOWN)) != must_fail:
            print(f"case {number}: {'passed' if must_fail else 'failed'}, "
                  "and should not have")
            wrong += 1
    print(f"{len(CASES) - wrong} passed, {wrong} failed")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return 1 if self_test() else 0
    return 1 if run(args.root, sys.stdout) else 0


if __name__ == "__main__":
    sys.exit(main())
