#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-switches.py [--root DIR] [--write] [--self-test]

Each switch of a profile (src/base/profile.c) has a test that runs the two
profiles beside its flip.  A test says so in the comment above its function:

    /* Flips has_cdev, has_pasid. */

Fails when a switch has no test, when a comment names a switch that there is
not, when the table of docs/profiles.md has other switches, or other values,
than the code, and when the page's list of tests is another.  --write puts the
list in.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

SOURCE = "src/base/profile.c"
PAGE = "docs/profiles.md"
FOLDERS = ("tests/unit", "tests/clients", "tests/conformance")
ROW = re.compile(r"^\tROW\((\w+), (\w+),([^;]*?)\),$", re.S | re.M)
COMMENT = re.compile(r"/\*((?:[^*]|\*(?!/))*)\*/\nstatic void (\w+)\(")
FLIPS = re.compile(r"\bFlips (\w+(?:,\s+\w+)*)\.")
LIST = "## Tests"
INTRO = f"""{LIST}

Each switch has a test that runs the profiles on both sides of its flip; the
comment above the test names the switch, as in `/* Flips has_cdev. */`. This
list is written by `tests/docs/check-switches.py --write`.
"""


def switches(source):
    """name: values as the page shows them, of each row of the code."""
    rows = {}
    names = {"UVF_VIABILITY_DRIVER_SCAN": "0",
             "UVF_VIABILITY_UNBOUND_LIST": "1",
             "UVF_VIABILITY_DMA_OWNER": "2", "UVF_KVM_NEVER_COHERENT": "0",
             "UVF_KVM_ASKS_CONTAINER": "1", "UVF_KVM_ASKS_DEVICE": "2",
             "NOT": "-"}
    for kind, name, values in ROW.findall(source):
        values = [v.strip() for v in values.split(",")]
        if kind == "SWITCH":
            values = ["on" if v == "1" else "off" for v in values]
        rows[name] = [names.get(v, v) for v in values]
    return rows


def table(page):
    """The same of the page."""
    rows = {}
    for line in page.split("\n"):
        match = re.match(r"\| `(\w+)` \| (.*) \|$", line)
        if match:
            rows[match[1]] = match[2].split(" | ")
    return rows


def claims(path, text):
    """(switch, test) of each comment."""
    for match in COMMENT.finditer(text):
        comment = re.sub(r"\s+(\* )?", " ", match[1])
        for flips in FLIPS.finditer(comment):
            for name in re.split(r",\s+", flips[1]):
                yield name, f"`{path}`: {match[2]}"


def list_text(rows, shown):
    lines = [INTRO]
    for name in rows:
        tests = sorted(test for switch, test in shown if switch == name)
        lines.append(f"- `{name}`: {'; '.join(tests)}")
    return "\n".join(lines) + "\n"


def check(source, page, shown):
    """Wrong lines; shown: (switch, test) of each claim."""
    rows, found = switches(source), []
    for name, values in rows.items():
        if name not in {switch for switch, _ in shown}:
            found.append(f"{SOURCE}:1: no test flips {name}")
        if table(page).get(name) != values:
            found.append(f"{PAGE}:1: {name} is {', '.join(values)}")
    for name in table(page):
        if name not in rows:
            found.append(f"{PAGE}:1: there is no switch {name}")
    for name, test in shown:
        if name not in rows:
            found.append(f"{test}: there is no switch {name}")
    if page.partition(LIST)[2] != list_text(rows, shown)[len(LIST):]:
        found.append(f"{PAGE}:1: the tests are others; --write puts them in")
    return found


def rewrite(source, page, shown):
    head = page.partition(LIST)[0].rstrip("\n")
    return head + "\n\n" + list_text(switches(source), shown)


def all_claims(root):
    for folder in FOLDERS:
        for base, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(base, name), root)
                if name.endswith(".c"):
                    yield from claims(path, checks.read(root, path))


def run(args):
    source, page = checks.read(args.root, SOURCE), checks.read(args.root, PAGE)
    shown = list(all_claims(args.root))
    if args.write:
        page = rewrite(source, page, shown)
        checks.write(args.root, PAGE, page)
    found = check(source, page, shown)
    for line in found:
        print(line)
    count = len(switches(source))
    failed = min(len(found), count)
    print(f"{count - failed} passed, {failed} failed")
    return len(found)


GOOD_SOURCE = "\tROW(SWITCH, has_a, 0, 1),\n\tROW(ERRNO, b_errno,\n\t    " \
    "NOT, EINVAL),\n"
GOOD_PAGE = "| `has_a` | off | on |\n| `b_errno` | - | EINVAL |\n"
GOOD_TEST = "/* Flips has_a, b_errno. */\nstatic void test(void **state)\n"

# Self-test: source, table, a test's text, and whether they must be refused.
CASES = [
    (GOOD_SOURCE, GOOD_PAGE, GOOD_TEST, False),
    (GOOD_SOURCE, GOOD_PAGE,
     GOOD_TEST.replace("Flips has_a, ", "Shows S1.\n * Flips has_a,\n * "),
     False),
    (GOOD_SOURCE, GOOD_PAGE, GOOD_TEST.replace("has_a, ", ""), True),
    (GOOD_SOURCE, GOOD_PAGE, GOOD_TEST.replace("has_a", "has_a, has_c"), True),
    (GOOD_SOURCE, GOOD_PAGE.replace("on", "off"), GOOD_TEST, True),
    (GOOD_SOURCE, GOOD_PAGE + "| `has_c` | off | on |\n", GOOD_TEST, True),
    (GOOD_SOURCE + "\tROW(SWITCH, has_c, 0, 1),\n", GOOD_PAGE, GOOD_TEST,
     True),
]


def self_test():
    verdicts = []
    for source, page, text, must_fail in CASES:
        shown = list(claims("tests/a.c", text))
        page = rewrite(source, page, shown)
        verdicts.append((text, check(source, page, shown), must_fail))
    shown = list(claims("tests/a.c", GOOD_TEST))
    verdicts.append(("a page without the list",
                     check(GOOD_SOURCE, GOOD_PAGE, shown), True))
    return checks.report_self_test(verdicts)


if __name__ == "__main__":
    checks.main(__doc__, run, self_test,
                [("--write", {"action": "store_true"})])
