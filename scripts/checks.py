# SPDX-License-Identifier: BSD-3-Clause
"""What the check-*.py scripts have in common.

Each prints what it found wrong, a line each, then "N passed, N failed", and
fails when anything was wrong.  --self-test proves that it fails when it should.
"""
import argparse
import os
import sys

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                    ".."))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def write(root, path, text):
    """Writes a file of a tree, and makes the folders it is in."""
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)


def report(results):
    """Prints what was found in each thing checked; how many were wrong."""
    passed = failed = 0
    for found in results:
        for line in found:
            print(line)
        failed += bool(found)
        passed += not found
    print(f"{passed} passed, {failed} failed")
    return failed


def report_self_test(verdicts):
    """Like report(), of (case, what was found, whether there must be any)."""
    return report(
        [] if bool(found) == must_fail else
        [f"{case!r}: {found or 'passed'}, and should not have"]
        for case, found, must_fail in verdicts)


def main(doc, run, self_test, options=()):
    """Ends the program: run(args) or self_test() says how many are wrong."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=TOP)
    parser.add_argument("--self-test", action="store_true")
    for option, settings in options:
        parser.add_argument(option, **settings)
    args = parser.parse_args()
    sys.exit(1 if (self_test() if args.self_test else run(args)) else 0)
