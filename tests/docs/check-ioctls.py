#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-ioctls.py [--root DIR] [--self-test]

The table of docs/ioctls.md against the code: every ioctl of the dispatch
table, of the IOMMU backend and of iommufd has a row and the other way round;
handler and test of a row exist.
"""
import glob
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

PAGE = "docs/ioctls.md"
DISPATCH = "src/core/dispatch.c"
BACKENDS = {"container": "src/iommu/type1*.c", "spapr": "src/iommu/spapr*.c"}
IOMMUFD = "src/iommu/iommufd/main.c"

TABLE = re.compile(r"ioctl_row (\w+)_rows\[\] = \{(.*?)\n\};", re.S)
DISPATCH_ROW = re.compile(r"\b(?:CORE|DRIVER|KVM)\(\s*((?:VFIO|KVM)_\w+)\s*,")
BACKEND_ROW = re.compile(r"(?:\bcase\s+|\{\s*\.cmd = |\{\s*)"
                         r"(VFIO_(?:IOMMU_(?!\w*_FLAG_)\w+|EEH_PE_OP))"
                         r"\s*[:,]")
IOMMUFD_ROW = re.compile(r"\bROW\(\s*(IOMMU_\w+)\s*,")
PAGE_ROW = re.compile(r"^\| `((?:VFIO|IOMMU|KVM)_\w+)`\s*\| (\w+)\s*\| ([^|]*)\| ([^|]*)\|",
                      re.M)
CODE = re.compile(r"`([^`]+)`")


def read(root, path):
    full = os.path.join(root, path)
    if not os.path.exists(full):
        return ""
    with open(full, encoding="utf-8") as file:
        return file.read()


def ioctls_of_code(root):
    """{(kind, ioctl): file} of all that the code decides."""
    found = {}
    for kind, rows in TABLE.findall(read(root, DISPATCH)):
        for ioctl in DISPATCH_ROW.findall(rows):
            found[kind, ioctl] = DISPATCH
    for kind, files in BACKENDS.items():
        for full in sorted(glob.glob(os.path.join(root, files))):
            path = os.path.relpath(full, root)
            for ioctl in BACKEND_ROW.findall(read(root, path)):
                found[kind, ioctl] = path
    for ioctl in IOMMUFD_ROW.findall(read(root, IOMMUFD)):
        found["iommufd", ioctl] = IOMMUFD
    return found


def defined_functions(root):
    names = set()
    for folder, _, files in os.walk(os.path.join(root, "src")):
        for name in files:
            if name.endswith(".c"):
                text = read(root, os.path.relpath(
                    os.path.join(folder, name), root))
                # A definition begins in the first column or after a type.
                names |= set(re.findall(
                    r"^(?:\w[\w \t*]*?[\s*])?(\w+)\([^;{]*\)\s*"
                    r"(?:UVF_\w+\([^)]*\)\s*)*\{", text, re.M))
    return names


def check(root):
    """Wrong lines, and how many rows were looked at."""
    page = read(root, PAGE)
    code = ioctls_of_code(root)
    functions = defined_functions(root)
    found, rows = [], {}
    for match in PAGE_ROW.finditer(page):
        ioctl, kind, handler, test = match.groups()
        where = f"{PAGE}:{page.count(chr(10), 0, match.start()) + 1}"
        rows[kind, ioctl] = where
        if (kind, ioctl) not in code:
            found.append(f"{where}: no {ioctl} of a {kind} file in the code; "
                         "remove the row")
        names = [n for n in CODE.findall(handler) if "/" not in n]
        if not names:
            found.append(f"{where}: no handler in backticks")
        for name in names:
            if name.rstrip("()") not in functions:
                found.append(f"{where}: no function {name} in src/; name the "
                             "handler")
        tests = CODE.findall(test)
        if not tests:
            found.append(f"{where}: no test in backticks")
        for name in tests:
            if not os.path.exists(os.path.join(root, name)):
                found.append(f"{where}: no file {name}")
    for (kind, ioctl), path in sorted(code.items()):
        if (kind, ioctl) not in rows:
            line = read(root, path)
            line = line.count("\n", 0, line.find(ioctl)) + 1
            found.append(f"{path}:{line}: {ioctl} of a {kind} file has no "
                         f"row in {PAGE}; add one")
    if not code:
        found.append(f"{DISPATCH}:1: no ioctl found; this check cannot read "
                     "the table any more")
    return found, len(set(rows) | set(code))


def run(root):
    found, count = check(root)
    right = max(count - len(found), 0)
    return checks.report([[line] for line in found] + [[]] * right)


CODE_FILES = {
    DISPATCH: "static const struct ioctl_row group_rows[] = {\n"
              "\tCORE(VFIO_A, group_ioctl_a),\n\tDRIVER(VFIO_B, b),\n};\n",
    "src/iommu/type1.c": "static long type1_map(int a)\n{\n"
                         "\tcase VFIO_IOMMU_C:\n"
                         "\tcase VFIO_IOMMU_C_FLAG_D:\n}\n",
    IOMMUFD: "#define ROW(cmd, f) cmd, f\n\tROW(IOMMU_E, iommu_e),\n"
             "int iommu_e(int a)\n{\n}\n",
    "src/core/group.c": "long group_ioctl_a(int a,\n\t\t   int b)\n{\n}\n"
                        "long pci_ioctl_b(int a) UVF_REQUIRES(a)\n{\n}\n",
    "tests/t.c": "",
}
GOOD = ["| `VFIO_A` | group | `group_ioctl_a` | `tests/t.c` |",
        "| `VFIO_B` | group | `pci_ioctl_b` | `tests/t.c` |",
        "| `VFIO_IOMMU_C` | container | `type1_map` | `tests/t.c` |",
        "| `IOMMU_E` | iommufd | `iommu_e` | `tests/t.c` |"]

# Self-test: rows of the page, and whether they must be refused.
CASES = [
    (GOOD, False),
    (GOOD[:2], True),
    (GOOD[:3], True),
    (GOOD[1:], True),
    (GOOD + ["| `VFIO_D` | group | `group_ioctl_a` | `tests/t.c` |"], True),
    ([GOOD[0].replace("group |", "device |")] + GOOD[1:], True),
    ([GOOD[0].replace("ioctl_a", "ioctl_z")] + GOOD[1:], True),
    ([GOOD[0].replace("t.c", "none.c")] + GOOD[1:], True),
    ([GOOD[0].replace("`tests/t.c`", "none")] + GOOD[1:], True),
]


def self_test():
    verdicts = []
    for rows, must_fail in CASES:
        with tempfile.TemporaryDirectory() as root:
            for path, text in CODE_FILES.items():
                checks.write(root, path, text)
            checks.write(root, PAGE, "\n".join(rows) + "\n")
            verdicts.append((rows, check(root)[0], must_fail))
    return checks.report_self_test(verdicts)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
