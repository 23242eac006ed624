#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-adr.py [--root DIR] [--self-test]

Each decision in docs/adr is one short page with the same four parts, and the
numbers in their names have no gap and no double.
"""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

FOLDER = "docs/adr"
LINES = 40
PARTS = ["Context", "Decision", "Consequences",
         "What would change our mind"]
NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md$")


def check_page(path, text):
    """Wrong lines of one page as file:line: lines."""
    found = []
    number = os.path.basename(path)[:4]
    lines = text.count("\n")
    if lines > LINES:
        found.append(f"{path}:{lines}: {lines} lines; {LINES} at most")
    if not re.match(rf"# {number}: \S.*\n", text):
        found.append(f"{path}:1: the title must begin with '# {number}: '")
    parts = re.findall(r"^## (.*)$", text, re.M)
    if parts != PARTS:
        found.append(f"{path}:1: parts {', '.join(parts) or 'none'}; right "
                     f"are {', '.join(PARTS)}")
    return found


def check_names(names):
    """Wrong names; the numbers go from 1 up."""
    found = []
    for count, name in enumerate(sorted(names), 1):
        match = NAME.match(name)
        if not match or int(match[1]) != count:
            found.append(f"{FOLDER}/{name}:1: the name must be "
                         f"{count:04d}-some-words.md")
            break
    return found


def check_all(root):
    names = sorted(os.listdir(os.path.join(root, FOLDER)))
    return [check_names(names)] + [
        check_page(f"{FOLDER}/{name}", checks.read(root, f"{FOLDER}/{name}"))
        for name in names]


def run(root):
    return checks.report(check_all(root))


BODY = "".join(f"\n## {part}\n\nText.\n" for part in PARTS)

# Self-test: pages of a folder, and whether it must be refused.
CASES = [
    ({"0001-a.md": "# 0001: A\n" + BODY}, False),
    ({"0001-a.md": "# 0002: A\n" + BODY}, True),
    ({"0001-a.md": "# 0001: A\n" + BODY.replace("Context", "Text")}, True),
    ({"0001-a.md": "# 0001: A\n" + BODY + "More.\n" * LINES}, True),
    ({"0002-a.md": "# 0002: A\n" + BODY}, True),
    ({"0001-a.md": "# 0001: A\n" + BODY, "0001-b.md": "# 0001: B\n" + BODY},
     True),
    ({"notes.md": "# 0001: A\n" + BODY}, True),
]


def self_test():
    verdicts = []
    for pages, must_fail in CASES:
        with tempfile.TemporaryDirectory() as root:
            for name, text in pages.items():
                checks.write(root, f"{FOLDER}/{name}", text)
            verdicts.append((sorted(pages), sum(check_all(root), []),
                             must_fail))
    return checks.report_self_test(verdicts)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
