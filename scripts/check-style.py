#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-style.py [--root DIR] [--self-test]

What clang-format does not know: licence lines, lengths of files and
functions, banned calls, comments, words that mark unfinished work, and
paths of somebody's machine.  Then clang-format itself.
"""
import os
import re
import shutil
import subprocess
import tempfile

import checks

SPDX = "SPDX-License-Identifier: BSD-3-Clause"
FILE_LINES = 800
FUNCTION_LINES = 60  # between its braces, tables inside it not counted
COLUMNS = 80
TAB = 8

SKIPPED_FOLDERS = re.compile(r"\.git$|build$|build-.*|__pycache__$")
# Ceilings hold here.
MEASURED = ("src/", "tools/", "include/", "tests/", "examples/", "bench/")

# Calls that are banned in src/, where they are allowed, and what to use.
BANNED = [
    (r"strcpy|strcat|stpcpy|sprintf|vsprintf|gets", (),
     "memcpy() with a checked size, or snprintf()"),
    (r"atoi|atol|atoll|atof", (), "strtoul() with every error checked"),
    (r"assert", (), "static_assert(), an errno, or UVF_BUG_ON()"),
    (r"abort", ("src/base/bug.c",), "an errno, or UVF_BUG_ON()"),
    (r"exit", (), "a returned error"),
    (r"printf|vprintf|puts|putchar|perror", (), "uvf_log() or a trace event"),
    (r"getenv|secure_getenv", ("src/front/",), "a parameter"),
    # libfuse allocates what it reads into, for its user to free.
    (r"calloc|free", ("src/base/alloc.c", "src/devices/",
                      "src/front/supervisor/fuse_thread.c"),
     "base/alloc.h, which can be made to fail"),
    (r"malloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|"
     r"aligned_alloc|posix_memalign", ("src/base/alloc.c",),
     "base/alloc.h, or calloc() in a device model"),
]
BANNED = [(re.compile(r"(?<![\w.>])(%s)\s*\(" % names), where, instead)
          for names, where, instead in BANNED]
CONSTRUCTOR = re.compile(r"__attribute__\s*\(\(\s*(__)?(con|de)structor")

# Written in two pieces, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(%s)\b" % "|".join(
    ["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]))
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:%s)/(?!\*)\S*|/tmp/(?!uvfio)[\w-]+/\S*" %
    "|".join(["wo" "rk", "ho" "me", "ro" "ot", "Us" "ers"]))
PACKAGE_HOST = re.compile(
    r"\b(?:[\w-]+\.)*(?:debian|ubuntu|pypi|golang|npmjs|crates|pythonhosted|"
    r"artifactory|nexus)\.(?:org|com|io|net)(?::\d+)?/\S+|"
    r"https?://[\w.-]+(?::\d+)?/(?:\S*/)?(?:simple|repository|artifactory|"
    r"debian|ubuntu|npm|pypi|goproxy)\b\S*")


def language(path, first_line):
    """c, script (a # comments), text, or None for what is not ours."""
    name = os.path.basename(path)
    if path.startswith("tests/data/") or "/recorded/" in path:
        return None
    if name.endswith((".c", ".h", ".lds")):
        return "c"
    if name.endswith((".py", ".sh")) or name in (
            "meson.build", "meson_options.txt", "Makefile"):
        return "script"
    if name.endswith((".md", ".1", ".5", ".txt")):
        return "text"
    return "script" if first_line.startswith("#!") else None


def strip_c(text):
    """The code without comments and string contents, line for line.

    Also the line numbers of // comments.
    """
    out, slashes, i, line = [], [], 0, 1
    state = None
    while i < len(text):
        two, char = text[i:i + 2], text[i]
        if state is None and two in ("/*", "//"):
            state = two
            if two == "//":
                slashes.append(line)
            out.append("  ")
            i += 2
            continue
        if state is None and char in "\"'":
            state = char
            out.append(char)
        elif state == "/*" and two == "*/":
            state = None
            out.append("  ")
            i += 2
            continue
        elif state == "//" and char == "\n":
            state = None
            out.append(char)
        elif state in ('"', "'"):
            if char == "\\":
                out.append("  " if two[1:] != "\n" else " \n")
                line += two[1:] == "\n"
                i += 2
                continue
            if char == state:
                state = None
                out.append(char)
            else:
                out.append("\n" if char == "\n" else " ")
        elif state is None:
            out.append(char)
        else:
            out.append("\n" if char == "\n" else " ")
        line += char == "\n"
        i += 1
    return "".join(out), slashes


def table_lines(body):
    """How many lines of a function are inside initialisers."""
    count, depth, start = 0, 0, None
    for number, line in enumerate(body):
        for match in re.finditer(r"(=|\))?\s*([{}])", line):
            if match[2] == "{" and (depth or match[1] == "=" or
                                    (match[1] and line.rstrip()
                                     .endswith(("= {", "){")))):
                if not depth:
                    start = number
                depth += 1
            elif match[2] == "}" and depth:
                depth -= 1
                if not depth:
                    count += number - start
    return count


def check_functions(path, code):
    found, start = [], None
    lines = code.split("\n")
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start:
            body = lines[start:number - 1]
            size = len(body) - table_lines(body)
            if size > FUNCTION_LINES:
                found.append((start, f"a function of {size} lines; "
                              f"{FUNCTION_LINES} at most, so split it"))
            start = None
    return found


def check_c(path, text):
    code, slashes = strip_c(text)
    found = [(line, "a // comment; write /* */") for line in slashes]
    for number, line in enumerate(text.split("\n"), 1):
        width = len(line.expandtabs(TAB))
        if width > COLUMNS:
            found.append((number, f"{width} columns; {COLUMNS} at most"))
    if path.startswith(MEASURED):
        found += check_functions(path, code)
    if not path.startswith("src/"):
        return found
    for number, line in enumerate(code.split("\n"), 1):
        for calls, where, instead in BANNED:
            match = calls.search(line)
            if match and not path.startswith(where):
                found.append((number, f"{match[1]}() is banned here; use "
                              f"{instead}"))
        if CONSTRUCTOR.search(line):
            found.append((number, "a constructor; call it where it is "
                          "needed"))
    return found


def check_licence(kind, text):
    lines = text.split("\n")
    want = f"/* {SPDX} */" if kind == "c" else f"# {SPDX}"
    line = 1 if lines[0].startswith("#!") else 0
    if line < len(lines) and lines[line] == want:
        return []
    return [(line + 1, f"no licence line; here belongs: {want}")]


def check_words(text):
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        match = UNFINISHED.search(line)
        if match:
            found.append((number, f"{match[0]}; finish it, or say what is "
                          "true now"))
        match = MACHINE_PATH.search(line)
        if match:
            found.append((number, f"{match[0]}: the path of a machine; use "
                          "one that everybody has"))
        match = PACKAGE_HOST.search(line)
        if match:
            found.append((number, f"{match[0]}: the address of a package "
                          "host; name the package"))
    return found


def check_text(path, text):
    """What is wrong with one file, as file:line: lines."""
    kind = language(path, text.split("\n", 1)[0])
    if not kind:
        return []
    found = []
    if kind in ("c", "script"):
        found += check_licence(kind, text)
    if path.startswith(MEASURED) and text.count("\n") > FILE_LINES:
        found.append((text.count("\n"), f"{text.count(chr(10))} lines; "
                      f"{FILE_LINES} at most, so split it by noun"))
    if kind == "c":
        found += check_c(path, text)
    found += check_words(text)
    return [f"{path}:{line}: {what}" for line, what in sorted(set(found))]


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders
                            if not SKIPPED_FOLDERS.match(f))
        for name in sorted(names):
            full = os.path.join(folder, name)
            if os.path.islink(full):
                continue
            yield os.path.relpath(full, root)


def check_format(root, paths):
    """Lines of clang-format, one for each file; None when it is missing."""
    if not shutil.which("clang-format"):
        return None
    if not os.path.exists(os.path.join(root, ".clang-format")):
        return [".clang-format:1: missing; clang-format has no rules"]
    found, seen = [], set()
    for start in range(0, len(paths), 100):
        ran = subprocess.run(
            ["clang-format", "--style=file", "--dry-run", "-Werror",
             *paths[start:start + 100]],
            cwd=root, capture_output=True, text=True, check=False)
        for line in ran.stderr.splitlines():
            match = re.match(r"(.*?):(\d+):\d+: error: ", line)
            if match and match[1] not in seen:
                seen.add(match[1])
                found.append(f"{match[1]}:{match[2]}: not as clang-format "
                             f"writes it; clang-format -i {match[1]}")
    return found


def check_all(root):
    """What is wrong with each file."""
    found = {}
    for path in files(root):
        try:
            found[path] = check_text(path, checks.read(root, path))
        except UnicodeDecodeError:
            continue
    formatted = check_format(
        root, [path for path in found if path.endswith((".c", ".h"))])
    if formatted is None:
        print("clang-format is missing: the format was not checked")
    for line in formatted or []:
        found.setdefault(line.split(":", 1)[0], []).append(line)
    return found.values()


def run(root):
    return checks.report(check_all(root))


C_LINE = f"/* {SPDX} */\n"
PY_LINE = f"#!/usr/bin/env python3\n# {SPDX}\n"
LONG = "int f(void)\n{\n" + "\tg();\n" * 61 + "}\n"
TABLE = ("int f(void)\n{\n\tstatic const int t[] = {\n" + "\t\t1,\n" * 61
         + "\t};\n\n\treturn t[0];\n}\n")
CALL = "void f(void)\n{\n\t%s;\n}\n"

# Self-test: a path, a text, and whether it must be refused.
CASES = [
    ("src/a/good.c", C_LINE + CALL % "uvf_free(p)", False),
    ("src/a/nolicence.c", "int a;\n", True),
    ("scripts/good.py", PY_LINE, False),
    ("scripts/bad.py", "import sys\n", True),
    ("scripts/tool", "#!/bin/bash\necho\n", True),
    ("src/a/meson.build", "lib = 1\n", True),
    ("src/a/long.c", C_LINE + "int a;\n" * 801, True),
    ("tests/a/long.c", C_LINE + "int a;\n" * 801, True),
    ("tests/a/function.c", C_LINE + LONG, True),
    ("docs/long.md", "line\n" * 801, False),
    ("src/a/function.c", C_LINE + LONG, True),
    ("src/a/table.c", C_LINE + TABLE, False),
    ("src/a/strcpy.c", C_LINE + CALL % "strcpy(a, b)", True),
    ("src/a/printf.c", C_LINE + CALL % "printf(a)", True),
    ("src/a/snprintf.c", C_LINE + CALL % "snprintf(a)", False),
    ("src/a/assert.c", C_LINE + CALL % "assert(a)", True),
    ("src/a/static.c", C_LINE + "static_assert(1, \"a\");\n", False),
    ("src/a/exit.c", C_LINE + CALL % "exit(1)", True),
    ("src/a/_exit.c", C_LINE + CALL % "_exit(1)", False),
    ("src/a/member.c", C_LINE + CALL % "ops->exit(1)", False),
    ("src/a/malloc.c", C_LINE + CALL % "p = malloc(1)", True),
    ("src/a/free.c", C_LINE + CALL % "free(p)", True),
    ("src/base/alloc.c", C_LINE + CALL % "free(p)", False),
    ("src/devices/x/x.c", C_LINE + CALL % "free(p)", False),
    ("src/devices/x/y.c", C_LINE + CALL % "p = malloc(1)", True),
    ("src/a/getenv.c", C_LINE + CALL % "getenv(a)", True),
    ("src/front/getenv.c", C_LINE + CALL % "getenv(a)", False),
    ("tools/a/printf.c", C_LINE + CALL % "printf(a)", False),
    ("src/a/string.c", C_LINE + 'char *a = "free(p) // x";\n', False),
    ("src/a/comment.c", C_LINE + "/* free(p) */\n", False),
    ("src/a/slashes.c", C_LINE + "int a; // b\n", True),
    ("src/a/constructor.c",
     C_LINE + "__attribute__((constructor)) void f(void);\n", True),
    ("src/a/wide.c", C_LINE + "int a" + "a" * 80 + ";\n", True),
    ("src/a/tabs.c", C_LINE + "\t" * 9 + "aaaaaaaaa;\n", True),
    ("src/a/unfinished.c", C_LINE + "/* TO" "DO: more */\n", True),
    ("docs/unfinished.md", "FIX" "ME\n", True),
    ("docs/template.md", "mkstemp XX" "XXXX\n", False),
    ("docs/path.md", "see /ho" "me/somebody/file\n", True),
    ("docs/out.md", "out=/tmp/out.pcap\n", False),
    ("scripts/host.py", PY_LINE + "u = 'http://deb.debian" ".org/debian'\n",
     True),
]


def format_verdict():
    """What clang-format says of two files that only it can tell apart."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in ((".clang-format", "BasedOnStyle: LLVM\n"),
                           ("good.c", "int a;\n"), ("bad.c", "int  a ;\n")):
            checks.write(root, name, text)
        found = check_format(root, ["good.c", "bad.c"])
    if found is None:
        print("clang-format is missing: the format was not checked")
        return "clang-format", [], False
    right = len(found) == 1 and found[0].startswith("bad.c:1:")
    return "clang-format", right, True


def self_test():
    return checks.report_self_test(
        [(path, check_text(path, text), must_fail)
         for path, text, must_fail in CASES] + [format_verdict()])


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
