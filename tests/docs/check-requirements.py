#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-requirements.py [--root DIR] [--write] [--self-test]

docs/requirements.md has a row for each thing that a test must show about the
VFIO core, IOMMU or devices, and names the tests that do.  A test says so
itself, in the comment above its function or, for a program, at the head of its
file:

    /* Shows U2, U3. */

Fails when a row has no test and is not in the page's section "Open", when a
row in that section has one, when the page names other tests than the comments
do, and when a comment names a row that there is not.  --write puts the tests
of the comments into the page, and takes the rows that have one out of "Open";
it never adds a row there.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

PAGE = "docs/requirements.md"
FOLDERS = ("tests",)
ROW = re.compile(r"^\| ([A-Z]\d+) \| (.*) \| (.*) \|$")
COMMENT = re.compile(r"/\*(.*?)\*/|((?:^[ \t]*#[^\n]*\n)+)", re.S | re.M)
SHOWS = re.compile(r"\bShows ([A-Z]\d+(?:(?:,| and)\s+[A-Z]\d+)*)\.")
ID = re.compile(r"[A-Z]\d+")
# Static void name(, TEST(name), def name(: the first name that is called.
FUNCTION = re.compile(r"\s*(?:[A-Z_]+\()?(?:static |inline |struct )*"
                      r"(?:[\w]+[ \n*]+)*?(\w+)\s*[(),]")
OPEN = "## Open"


def claims(path, text):
    """(line, id, test) of each row that a comment says is shown."""
    for match in COMMENT.finditer(text):
        comment = re.sub(r"^\s*[*#] ?", "", match[1] or match[2], flags=re.M)
        comment = re.sub(r"\s+", " ", comment)
        for shows in SHOWS.finditer(comment):
            line = text.count("\n", 0, match.start()) + 1
            rest = text[match.end():]
            test = path
            name = FUNCTION.match(rest)
            # A blank line, or #include: the comment is about the file.
            if match[1] is not None and name and re.match(r"\n\S", rest) \
                    and not rest.startswith("\n#"):
                test = f"{path}:{name[1]}"
            for row in ID.findall(shows[1]):
                yield line, row, test


def tests_text(tests):
    """The third column: functions by file."""
    files = {}
    for test in tests:
        path, _, name = test.partition(":")
        files.setdefault(path, []).append(name)
    return "; ".join(
        f"`{path}`" + (": " if any(names) else "") +
        ", ".join(sorted(name for name in set(names) if name))
        for path, names in sorted(files.items()))


def open_rows(text):
    """The ids of the section "Open"."""
    _, found, section = text.partition(OPEN)
    return ID.findall(section.split("\n## ")[0]) if found else []


def rows_of(text):
    """(line, id, sentence, tests) of each row of the page."""
    for number, line in enumerate(text.split("\n"), 1):
        match = ROW.match(line)
        if match:
            yield number, match[1], match[2], match[3].strip()


def check(page, shown):
    """Wrong lines; shown: (path, line, id, test) of each claim."""
    found, by_row = [], {}
    known = {}
    for number, row, _, _ in rows_of(page):
        if row in known:
            found.append(f"{PAGE}:{number}: {row} is there twice")
        known[row] = number
    for path, line, row, test in shown:
        by_row.setdefault(row, set()).add(test)
        if row not in known:
            found.append(f"{path}:{line}: there is no row {row}")
    still_open = open_rows(page)
    for row in still_open:
        if row not in known:
            found.append(f"{PAGE}:1: {row} is open, but no row")
    for number, row, _, tests in rows_of(page):
        want = tests_text(by_row.get(row, ()))
        if want and row in still_open:
            found.append(f"{PAGE}:{number}: {row} has a test and is not open "
                         "any more; --write takes it out")
        if not want and row not in still_open:
            found.append(f"{PAGE}:{number}: no test shows {row}")
        if tests != want:
            found.append(f"{PAGE}:{number}: {row}: the tests are others; "
                         "--write puts them in")
    return found


def rewrite(page, shown):
    """The page with the tests of the comments."""
    by_row = {}
    for _, _, row, test in shown:
        by_row.setdefault(row, set()).add(test)
    head, found, section = page.partition(OPEN)
    lines = []
    for line in head.split("\n"):
        match = ROW.match(line)
        if match:
            tests = tests_text(by_row.get(match[1], ()))
            line = f"| {match[1]} | {match[2]} | {tests} |"
        lines.append(line)
    head = "\n".join(lines)
    if not found:
        return head
    # One row of the section on a line, so that two authors seldom meet.
    kept = [line for line in section.split("\n")
            if not (re.match(r"- [A-Z]\d+$", line) and line[2:] in by_row)]
    return head + OPEN + "\n".join(kept)


def all_claims(root):
    for folder in FOLDERS:
        for base, folders, names in sorted(os.walk(os.path.join(root,
                                                                folder))):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(names):
                path = os.path.relpath(os.path.join(base, name), root)
                if path.startswith(("tests/docs/", "tests/data/")):
                    continue
                try:
                    with open(os.path.join(root, path),
                              encoding="utf-8") as file:
                        text = file.read()
                except UnicodeDecodeError:
                    continue
                for line, row, test in claims(path, text):
                    yield path, line, row, test


def run(args):
    page = checks.read(args.root, PAGE)
    shown = list(all_claims(args.root))
    if args.write:
        page = rewrite(page, shown)
        checks.write(args.root, PAGE, page)
    found = check(page, shown)
    count = len(list(rows_of(page)))
    print(f"{count} rows, {len(open_rows(page))} open")
    right = max(count - len(found), 0)
    return checks.report([[line] for line in found] + [[]] * right)


GOOD = "| U1 | Does it. | `tests/a.c`: test_a |\n"
TEST = "/* Shows U1. */\nstatic void test_a(void **state)\n{\n}\n"
BOTH = GOOD + "| U2 | Too. |  |\n"

# Self-test: a page, a test's text, and whether they must be refused.
CASES = [
    (GOOD, TEST, False),
    (GOOD, "", True),
    (GOOD, TEST.replace("U1", "U9"), True),
    (GOOD, TEST.replace("test_a", "test_b"), True),
    (GOOD + GOOD, TEST, True),
    (BOTH, TEST, True),
    (BOTH + OPEN + "\n\n- U2\n", TEST, False),
    (BOTH + OPEN + "\n\n- U1\n- U2\n", TEST, True),
    (BOTH + OPEN + "\n\n- U2\n- U3\n", TEST, True),
    ("| U1 | Does it. | `tests/a.c` |\n",
     "/* SPDX */\n/*\n * A program.  Shows U1.\n */\n#include <a.h>\n", False),
    ("| U1 | Does it. | `tests/a.c` |\n", "#!/bin/bash\n# Shows U1.\n", False),
    ("| U1 | Does it. | `tests/a.c`: one |\n",
     "/* Shows\n * U1. */\nTEST(one)\n", False),
    ("| U1 | Does it. | `tests/a.c`: one, two |\n",
     "/* Shows U1. */\nint one(void);\n/* Shows U1. */\nint two(void);\n",
     False),
]


def self_test():
    verdicts = []
    for page, text, must_fail in CASES:
        shown = [("tests/a.c",) + claim for claim in claims("tests/a.c",
                                                            text)]
        verdicts.append((page, check(page, shown), must_fail))
        # What --write leaves must pass, unless a row has no test or there is
        # no such row.
        again = rewrite(page, shown)
        if not must_fail:
            verdicts.append((page, again != page or check(again, shown),
                             False))
    fixed = rewrite(BOTH.replace("test_a", "old") + OPEN + "\n\n- U1\n- U2\n",
                    [("tests/a.c", 1, "U1", "tests/a.c:test_a")])
    verdicts.append(("--write", fixed != BOTH + OPEN + "\n\n- U2\n", False))
    return checks.report_self_test(verdicts)


if __name__ == "__main__":
    checks.main(__doc__, run, self_test,
                [("--write", {"action": "store_true"})])
