#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-adr.py [--root DIR] [--self-test]

Each decision in docs/adr is one short page with the same four parts, and the
numbers in their names have no gap and no double.
"""
import argparse
import os
import re
import sys
import tempfile

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


def run(root, out):
    names = os.listdir(os.path.join(root, FOLDER))
    results = [check_names(names)]
    for name in sorted(names):
        path = f"{FOLDER}/{name}"
        with open(os.path.join(root, path), encoding="utf-8") as file:
            results.append(check_page(path, file.read()))
    for line in sum(results, []):
        print(line, file=out)
    failed = sum(map(bool, results))
    print(f"{len(results) - failed} passed, {failed} failed", file=out)
    return failed


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
    wrong = 0
    for number, (pages, must_fail) in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, FOLDER))
            for name, text in pages.items():
                with open(os.path.join(root, FOLDER, name), "w",
                          encoding="utf-8") as file:
                    file.write(text)
            with open(os.devnull, "w", encoding="utf-8") as null:
                failed = run(root, null)
        if bool(failed) != must_fail:
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
