#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-cases.py [--root DIR] [--self-test]

The cases that docs/limits.md names, in the column "cases" of its tables, must
be ones that a real kernel was asked (tests/conformance/recorded).  A name may
be a pattern, and one without a slash is of the same file as the one before.
"""
import fnmatch
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

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


def run(root):
    cases = set()
    for path in glob.glob(os.path.join(root, RECORDED)):
        with open(path, encoding="utf-8") as file:
            cases |= {line.split(" ")[0] for line in file}
    text = checks.read(root, PAGE)
    found = check(text, cases)
    right = len(list(named_cases(text))) - len(found)
    return checks.report([[line] for line in found] + [[]] * right)


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
    return checks.report_self_test((text, check(text, KNOWN), must_fail)
                                   for text, must_fail in CASES)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
