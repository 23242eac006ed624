#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-layers.py [--root DIR] [--self-test]

Fails on an #include that points upward.  Only #include "..." and
#include <uvfio/...> are looked at; system headers are nobody's business.
"""
import os
import re
import tempfile

import checks

CORE_HEADERS = ["iommu", "mem"]  # what the headers of src/core show

# Which headers a folder may include, besides its own: folders, or single
# headers.  The longest row that fits a file counts.  "uvfio" is the public
# interface, include/uvfio.
ALLOWED = {
    "include/uvfio": ["uvfio"],
    "src/base": ["uvfio"],
    "src/mem": ["base", "uvfio"],
    "src/iommu": ["mem", "base", "uvfio"],
    "src/bus": ["base", "uvfio"],
    "src/core": ["iommu", "mem", "bus", "base", "uvfio"],
    "src/v02": ["core", "iommu", "mem", "bus", "base", "uvfio"],
    "src/fs": ["v02", "mdev", "core", "bus", "base", "uvfio"],
    "src/pci": ["v02", "core", "bus", "base", "uvfio"] + CORE_HEADERS,
    "src/platform": ["v02", "core", "bus", "base", "uvfio"] + CORE_HEADERS,
    "src/mdev": ["core", "bus", "base", "uvfio"] + CORE_HEADERS,
    "src/kvm": ["core", "bus", "base", "uvfio"] + CORE_HEADERS,
    "src/devices": ["uvfio"],
    "src/front": ["front", "fs", "pci", "platform", "mdev", "kvm", "v02",
                  "core", "iommu", "mem", "bus", "base", "uvfio"],
    "src/front/agent": [],
    "src/front/inproc": ["front/machine.h", "front/host.h", "fs", "pci",
                         "v02", "core", "iommu", "mem", "bus", "base", "uvfio"],
    "src/front/supervisor": ["front/machine.h", "front/host.h",
                             "front/control.h", "front/control_machine.h",
                             "front/agent/abi.h", "front/agent/blob.h", "fs",
                             "pci", "platform", "mdev", "kvm", "v02",
                             "core", "iommu", "mem", "bus", "base", "uvfio"],
    "tools": ["front", "base", "uvfio"],
}

# Folders of which one may not see another: each device is on its own.
SEPARATE = "src/devices"

# Headers that only the named folders may include.
PRIVATE = {
    "front/agent": ["src/front/agent", "src/front/supervisor"],
    "front/supervisor": ["src/front/supervisor", "tools"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(uvfio/[^>]+)>)')


def row_of(path):
    """The row of ALLOWED that fits a file, or None where all is allowed."""
    rows = [row for row in ALLOWED if path.startswith(row + "/")]
    return max(rows, key=len) if rows else None


def own_folder(path, row):
    """What a file may always include, as a folder relative to the root."""
    if row == SEPARATE:
        return os.path.dirname(path)
    if row == "src/front":
        return "src/front"
    return row


def resolve(root, path, name):
    """The header's path relative to the root, or None."""
    places = [os.path.join(os.path.dirname(path), name),
              os.path.join("src", name), os.path.join("include", name)]
    for place in map(os.path.normpath, places):
        if os.path.isfile(os.path.join(root, place)):
            return place
    return None


def short(header):
    """A header's name as in an include."""
    for prefix in ("src/", "include/"):
        if header.startswith(prefix):
            return header[len(prefix):]
    return header


def fits(name, entries):
    return any(name == entry or name.startswith(entry + "/")
               for entry in entries)


def check_include(root, path, name, is_quoted):
    """What is wrong with one include, or None."""
    row = row_of(path)
    header = resolve(root, path, name)
    if header is None:
        return (f'no header "{name}"; write the path below src/, or <> for '
                "a system header")
    if not header.endswith(".h"):
        return f'includes "{name}"; only headers are included'
    if header.startswith("include/") and is_quoted:
        return f'public header in quotes; write <{short(header)}>'
    for folder, users in PRIVATE.items():
        if fits(short(header), [folder]) and not fits(path, users):
            return (f'includes "{short(header)}", which is only for '
                    + " and ".join(users))
    if header.startswith(own_folder(path, row) + "/"):
        return None
    if fits(short(header), ALLOWED[row]):
        return None
    may = ", ".join(ALLOWED[row]) or "nothing but its own headers"
    return f'includes "{short(header)}", but {row} may include: {may}'


def sources(root):
    for top in ("include", "src", "tools"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_file(root, path):
    found = []
    if row_of(path) is None:
        return [f"{path}:1: no row for this folder in ALLOWED of "
                "scripts/check-layers.py; add one"]
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            wrong = check_include(root, path, match[1] or match[2],
                                  bool(match[1]))
            if wrong:
                found.append(f"{path}:{number}: {wrong}")
    return found


def run(root):
    return checks.report(check_file(root, path) for path in sources(root))


# Self-test: a file, its text, and whether it must be refused.
CASES = [
    ("src/core/good.c", '#include "base/a.h"\n#include <uvfio/a.h>\n', False),
    ("src/core/up.c", '#include "front/a.h"\n', True),
    ("src/base/up.c", '#include "mem/a.h"\n', True),
    ("src/bus/up.c", '#include "core/a.h"\n', True),
    ("src/fs/skip.c", '#include "iommu/a.h"\n', True),
    ("src/pci/good.c", '#include "mem/a.h"\n', False),
    ("src/pci/up.c", '#include "fs/a.h"\n', True),
    ("src/v02/good.c", '#include "core/a.h"\n', False),
    ("src/core/v02.c", '#include "v02/a.h"\n', True),
    ("src/devices/x/good.c", '#include "a.h"\n', False),
    ("src/devices/x/core.c", '#include "core/a.h"\n', True),
    ("src/devices/x/other.c", '#include "devices/y/a.h"\n', True),
    ("src/front/agent/bad.c", '#include "base/a.h"\n', True),
    ("src/front/inproc/bad.c", '#include "front/agent/abi.h"\n', True),
    ("src/front/supervisor/good.c", '#include "front/agent/abi.h"\n', False),
    ("src/front/bad.c", '#include "devices/y/a.h"\n', True),
    ("src/front/agented.c", '#include "front/agent/abi.h"\n', True),
    ("src/mem/typo.c", '#include "base/none.h"\n', True),
    ("src/mem/quoted.c", '#include "uvfio/a.h"\n', True),
    ("src/mem/source.c", '#include "base/a.c"\n', True),
    ("src/newfolder/a.c", "\n", True),
    ("include/uvfio/bad.h", '#include "base/a.h"\n', True),
    ("tools/t/good.c", '#include "front/a.h"\n', False),
    ("tools/t/deep.c", '#include "core/a.h"\n', True),
]
HEADERS = ["include/uvfio/a.h", "src/base/a.h", "src/base/a.c",
           "src/mem/a.h", "src/iommu/a.h", "src/core/a.h", "src/fs/a.h",
           "src/v02/a.h",
           "src/front/a.h", "src/front/agent/abi.h", "src/devices/x/a.h",
           "src/devices/y/a.h"]


def self_test():
    with tempfile.TemporaryDirectory() as root:
        for path in HEADERS:
            checks.write(root, path, "\n")
        for path, text, _ in CASES:
            checks.write(root, path, text)
        return checks.report_self_test(
            (path, check_file(root, path), must_fail)
            for path, _, must_fail in CASES)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
