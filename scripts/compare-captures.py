#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares two captures: compare-captures.py [--any-order] WANTED GOT

Every frame of WANTED must be in GOT once, byte for byte, and in order unless
told otherwise.  GOT may be a FIFO that is still being written; the comparison
ends with the last wanted frame.  Prints how many frames came and how many
each second.
"""
import collections
import itertools
import struct
import sys
import time

GLOBAL_HEADER = 24
RECORD_HEADER = 16


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def byte_order(header):
    for order in "<>":
        if struct.unpack(order + "I", header[:4])[0] in (0xA1B2C3D4,
                                                         0xA1B23C4D):
            return order
    raise ValueError("not a capture")


def frames(path):
    with open(path, "rb") as stream:
        order = byte_order(read_exactly(stream, GLOBAL_HEADER))
        while True:
            try:
                record = read_exactly(stream, RECORD_HEADER)
                size = struct.unpack(order + "IIII", record)[2]
                yield read_exactly(stream, size)
            except EOFError:
                return


def compare(wanted, got):
    """Returns the number of frames and the seconds from first to last."""
    start = None
    for number, frame in enumerate(wanted, 1):
        other = next(got, None)
        if start is None:
            start = time.monotonic()
        if other is None:
            raise ValueError(f"frame {number} of {len(wanted)} is missing")
        if other != frame:
            raise ValueError(f"frame {number} differs: "
                             f"{len(frame)} bytes became {len(other)}")
    return len(wanted), time.monotonic() - start


def compare_any_order(wanted, got):
    """As compare()."""
    first = next(got, None)
    start = time.monotonic()
    others = [first] if first is not None else []
    others += itertools.islice(got, len(wanted) - len(others))
    missing = collections.Counter(wanted) - collections.Counter(others)
    if missing:
        raise ValueError(f"{sum(missing.values())} frames of {len(wanted)} "
                         "are missing")
    return len(wanted), time.monotonic() - start


def self_test():
    good = [b"one", b"two"]
    assert compare(good, iter(good))[0] == 2
    assert compare_any_order(good, iter(good[::-1]))[0] == 2
    for bad in ([b"one"], [b"two", b"one"], [b"one", b"twx"], [],
                [b"one", b"one"]):
        for check in (compare, compare_any_order):
            if check is compare_any_order and sorted(bad) == good:
                continue
            try:
                check(good, iter(bad))
            except ValueError:
                continue
            raise SystemExit(f"self-test: {bad} was taken for {good}")
    print("1 passed, 0 failed")


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    any_order = arguments[:1] == ["--any-order"]
    if len(arguments) != 2 + any_order:
        sys.exit(__doc__)
    check = compare_any_order if any_order else compare
    wanted = list(frames(arguments[-2]))
    try:
        count, seconds = check(wanted, frames(arguments[-1]))
    except (ValueError, EOFError, OSError) as error:
        sys.exit(f"compare-captures: {error}")
    sizes = [len(frame) for frame in wanted]
    print(f"{count} frames of {min(sizes)} to {max(sizes)} bytes, each once, "
          f"byte for byte, in {'any ' if any_order else ''}order; "
          f"{count / max(seconds, 1e-6):.0f} frames per second")
    return None


main()
