#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what uvfio answered to the conformance suite with a kernel.

usage: compare-conformance.py RECORDED ACTUAL EXCEPTIONS
       compare-conformance.py --self-test

Each line of RECORDED and ACTUAL is "NAME ANSWER"; '#' starts a comment.
EXCEPTIONS lists "NAME: reason" for cases that may differ.  Prints each
difference and ends with "N passed, N failed"; exits 1 if any failed.
"""

import sys

MAX_EXCEPTIONS = 10


def read_answers(lines, what):
    """Return ({name: line}, [problems])."""
    answers, problems = {}, []
    for line in lines:
        line = line.rstrip('\r\n')
        if not line or line.startswith('#'):
            continue
        name = line.split(' ', 1)[0]
        if name in answers:
            problems.append(f'{what} answers {name} twice')
        answers[name] = line
    if not answers:
        problems.append(f'{what} holds no answer')
    return answers, problems


def read_exceptions(lines):
    """Return ({name: reason}, [problems])."""
    exceptions, problems = {}, []
    for line in lines:
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        name, colon, reason = line.partition(':')
        if not colon or not reason.strip():
            problems.append(f'exception without a reason: {line}')
        if name in exceptions:
            problems.append(f'exception listed twice: {name}')
        exceptions[name] = reason.strip()
    if len(exceptions) > MAX_EXCEPTIONS:
        problems.append(f'{len(exceptions)} exceptions, '
                        f'at most {MAX_EXCEPTIONS} are allowed')
    return exceptions, problems


def compare(recorded_lines, actual_lines, exception_lines):
    """Return (report lines, passed, failed)."""
    recorded, problems = read_answers(recorded_lines, 'the recording')
    actual, more = read_answers(actual_lines, 'uvfio')
    exceptions, still_more = read_exceptions(exception_lines)
    problems += more + still_more
    out, passed, failed = [], 0, 0

    for name in sorted(recorded.keys() | actual.keys()):
        kernel = recorded.get(name, f'{name} (not recorded)')
        uvfio = actual.get(name, f'{name} (no answer)')
        if kernel == uvfio:
            if name in exceptions:
                problems.append(f'exception no longer differs: {name}')
            passed += 1
            continue
        if name in exceptions and name in recorded and name in actual:
            passed += 1
            continue
        out += [f'- {kernel}', f'+ {uvfio}']
        failed += 1
    for name in exceptions:
        if name not in recorded and name not in actual:
            problems.append(f'exception for an unknown case: {name}')
    out += [f'error: {problem}' for problem in problems]
    return out, passed, failed + len(problems)


def self_test():
    """Prove that the comparison fails when it should."""
    same = ['# Linux', 'a = 0', 'b = -1 EINVAL']
    many = [f'c{i} = 0' for i in range(11)]
    other = [f'c{i} = 1' for i in range(11)]
    # recorded, actual, exceptions, passed, failed
    tests = [
        (same, same, [], 2, 0),
        (same, same[:2], [], 1, 1),
        (same[:2], same, [], 1, 1),
        (same, ['a = 0', 'b = -1 EPERM'], [], 1, 1),
        (same, ['a = 0', 'b = 0'], ['# why', 'b: because'], 2, 0),
        (same, ['a = 0', 'b = 0'], ['b:'], 2, 1),
        (same, ['a = 0', 'b = 0'], ['b'], 2, 1),
        (same, same, ['b: because'], 2, 1),
        (same, same, ['z: because'], 2, 1),
        (same, same[:2], ['b: because'], 1, 1),
        (same, same + ['a = 0'], [], 2, 1),
        ([], [], [], 0, 2),
        (many[:10], other[:10], [f'c{i}: x' for i in range(10)], 10, 0),
        (many, other, [f'c{i}: x' for i in range(11)], 11, 1),
    ]
    failed = 0
    for number, (recorded, actual, exceptions, passed, fails) in enumerate(
            tests):
        out, got_passed, got_fails = compare(recorded, actual, exceptions)
        if (got_passed, got_fails) != (passed, fails) or \
                bool(out) != bool(fails):
            print(f'self-test {number}: {got_passed} passed, '
                  f'{got_fails} failed: {out}')
            failed += 1
    print(f'{len(tests) - failed} passed, {failed} failed')
    return 1 if failed else 0


def main(argv):
    """Run as a command."""
    if argv[1:] == ['--self-test']:
        return self_test()
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    texts = []
    for path in argv[1:]:
        with open(path, encoding='utf-8', errors='replace') as file:
            texts.append(file.read().splitlines())
    out, passed, failed = compare(*texts)
    for line in out:
        print(line)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
