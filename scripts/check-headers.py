#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-headers.py [--root DIR] [--self-test]

Each header must compile alone: those of include/uvfio as C17 and as C++17
without anything else of the project, those of src as C17 with GNU
extensions.  Its guard must follow its path.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile

import checks

WARNINGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror",
            "-Wstrict-prototypes"]
CXX_WARNINGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror"]

# Compiler, language, options; a compiler that is missing is left out, but
# for the first of each list.
PUBLIC = [
    ("gcc", "c", ["-std=c17", "-pedantic-errors", "-Iinclude"] + WARNINGS),
    ("g++", "c++", ["-std=c++17", "-pedantic-errors", "-Iinclude"]
     + CXX_WARNINGS),
    ("clang", "c", ["-std=c17", "-pedantic-errors", "-Iinclude"] + WARNINGS),
]
PRIVATE = [
    ("gcc", "c", ["-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Iinclude"]
     + WARNINGS),
    ("clang", "c", ["-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Iinclude",
                    "-Wthread-safety"] + WARNINGS),
]
REQUIRED = {"gcc", "g++"}

GUARD = re.compile(r"^#ifndef (\w+)\n#define (\w+)\n", re.M)


def guard_of(path):
    """The guard that a header of this path must have."""
    for prefix, start in (("include/uvfio/", "UVFIO_"), ("src/", "UVF_")):
        if path.startswith(prefix):
            name = path[len(prefix):]
            return start + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    raise ValueError(path)


def check_guard(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    want = guard_of(path)
    match = GUARD.search(text)
    if not match:
        return [f"{path}:1: no include guard; #ifndef {want}, #define {want}"]
    line = text.count("\n", 0, match.start()) + 1
    found = []
    if match[1] != want or match[2] != want:
        found.append(f"{path}:{line}: guard {match[1]}; the path asks for "
                     f"{want}")
    if not text.endswith(f"#endif /* {want} */\n"):
        last = text.count("\n")
        found.append(f"{path}:{last}: does not end with #endif /* {want} */")
    return found


def check_compile(root, path, compiler, language, options):
    name = path.split("/", 1)[1]
    quote = '<%s>' if path.startswith("include/") else '"%s"'
    include = "#include " + quote % name + "\n"
    # Twice, for the guard; the declaration, for an empty header.
    text = include * 2 + "extern int uvf_header_was_included;\n"
    ran = subprocess.run([compiler, *options, "-x", language, "-"],
                         input=text, cwd=root, capture_output=True, text=True,
                         check=False)
    if ran.returncode == 0:
        return []
    standard = next(o for o in options if o.startswith("-std="))[5:]
    for line in ran.stderr.splitlines():
        match = re.match(r"(\S+?):(\d+):(?:\d+:)? (?:fatal )?error: (.*)",
                         line)
        if match:
            where = f"{match[1]}:{match[2]}"
            if match[1] == "<stdin>":
                where = f"{path}:1"
            return [f"{where}: {path} alone, {compiler} as {standard}: "
                    f"{match[3]}; include what it uses"]
    return [f"{path}:1: {compiler} as {standard} failed: "
            f"{ran.stderr.strip()[:200]}"]


def headers(root):
    for top in ("include/uvfio", "src"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith(".h"):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_header(root, path):
    found = check_guard(root, path)
    rows = PUBLIC if path.startswith("include/") else PRIVATE
    for compiler, language, options in rows:
        if shutil.which(compiler):
            found += check_compile(root, path, compiler, language, options)
        elif compiler in REQUIRED:
            found.append(f"{path}:1: no {compiler} to compile it with")
    return found


def run(root):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return checks.report(pool.map(lambda path: check_header(root, path),
                                      sorted(headers(root))))


def header(guard, body):
    return f"#ifndef {guard}\n#define {guard}\n{body}\n#endif /* {guard} */\n"


# Self-test: a header, its text, and whether it must be refused.
CASES = [
    ("include/uvfio/good.h",
     header("UVFIO_GOOD_H", "#include <stdint.h>\nuint32_t uvfio_f(void);"),
     False),
    ("include/uvfio/lacks.h",
     header("UVFIO_LACKS_H", "uint32_t uvfio_f(void);"), True),
    ("include/uvfio/noncxx.h",
     header("UVFIO_NONCXX_H", "int uvfio_f(int class);"), True),
    ("include/uvfio/src.h",
     header("UVFIO_SRC_H", '#include "base/good.h"'), True),
    ("include/uvfio/guard.h",
     header("UVF_GUARD_H", "int uvfio_f(void);"), True),
    ("src/base/good.h",
     header("UVF_BASE_GOOD_H", "int uvf_f(void);"), False),
    ("src/base/lacks.h",
     header("UVF_BASE_LACKS_H", "size_t uvf_f(void);"), True),
    ("src/base/guard.h", header("UVF_GUARD_H", "int uvf_f(void);"), True),
    ("src/base/none.h", "int uvf_f(void);\n", True),
    ("src/base/end.h",
     header("UVF_BASE_END_H", "int uvf_f(void);").replace(" /*", " //"),
     True),
]


def self_test():
    with tempfile.TemporaryDirectory() as root:
        for path, text, _ in CASES:
            checks.write(root, path, text)
        return checks.report_self_test(
            (path, check_header(root, path), must_fail)
            for path, _, must_fail in CASES)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
