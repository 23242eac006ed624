#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-kernel-doc.py [--root DIR] [--self-test]

A comment that begins with two stars documents the function behind it:

    /**
     * name() - what it does
     * @param: what it is
     */

The names must be those of the functions that follow, and every @param must
be a parameter of one of them.
"""
import os
import re

import checks

BLOCK = re.compile(r"/\*\*(?!/)(.*?)\*/", re.S)
TITLE = re.compile(r"^\s*\*?\s*(\w+)\(\) - \S", re.M)
PARAM = re.compile(r"@(\w+)")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# Words before a parenthesis that are no function's name.
NOT_A_NAME = re.compile(r"__attribute__|UVF_[A-Z_]+|UVFIO_[A-Z_]+|static_assert")


def declarations(text):
    """Declarations up to the first blank line or comment, as one text each."""
    found = []
    rest = text.lstrip("\n")
    while rest and not rest.startswith(("\n", "/*")):
        if rest.startswith("#define"):
            end = re.search(r"(?<!\\)\n", rest)
            end = end.start() if end else len(rest) - 1
        else:
            end = re.search(r"[;{]", rest)
            if not end:
                break
            end = end.start()
        found.append(COMMENT.sub(" ", rest[:end]))
        if rest[end] == "{":
            break
        rest = rest[end + 1:].lstrip(" \t")
        if rest.startswith("\n"):
            rest = rest[1:]
    return found


def name_and_params(declaration):
    """The function's name and the set of its parameters, or None."""
    for match in re.finditer(r"(\w+)\s*\(", declaration):
        if not NOT_A_NAME.fullmatch(match[1]):
            break
    else:
        return None
    depth, inside = 0, ""
    for char in declaration[match.end() - 1:]:
        depth += (char == "(") - (char == ")")
        inside += char
        if not depth:
            break
    params = set()
    for part in re.split(r",(?![^(]*\))", inside[1:-1]):
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", part)
        words = re.findall(r"\w+", part.split("[")[0])
        if pointer:
            params.add(pointer[1])
        elif words:
            params.add(words[-1])
    return match[1], params


def check_block(text, block):
    """Wrong lines of one block as (offset, message)."""
    body = block[1]
    titles = TITLE.findall(body)
    if not titles:
        return [(block.start(), "a /** comment without `name() - text`; name "
                 "the function that follows, or begin with /*")]
    follow = [name_and_params(d) for d in declarations(text[block.end():])]
    follow = [f for f in follow if f]
    if not follow:
        return [(block.start(), f"{titles[0]}() is documented, but no "
                 "function follows; move the comment")]
    found = []
    names = [name for name, _ in follow]
    if follow[0][0] != titles[0]:
        found.append((block.start(), f"documents {titles[0]}(), but "
                      f"{names[0]}() follows"))
    for title in titles[1:]:
        if title not in names:
            found.append((block.start(), f"documents {title}(), but only "
                          f"{', '.join(names)} follow"))
    params = set()
    for name, its in follow:
        if name in titles:
            params |= its
    for param in PARAM.finditer(body):
        if params and param[1] not in params:
            found.append((block.start(1) + param.start(),
                          f"@{param[1]} is no parameter of {titles[0]}(); "
                          f"it has: {', '.join(sorted(params))}"))
    return found


def check_text(path, text):
    found = []
    for block in BLOCK.finditer(text):
        for offset, message in check_block(text, block):
            line = text.count("\n", 0, offset) + 1
            found.append(f"{path}:{line}: {message}")
    return found


def sources(root):
    for top in ("include", "src", "tools", "tests", "bench", "examples"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def run(root):
    return checks.report(check_text(path, checks.read(root, path))
                         for path in sources(root))


# Self-test: a text, and whether it must be refused.
CASES = [
    ("/**\n * f() - does\n * @a: one\n */\nint f(int a);\n", False),
    ("/** f() - does */\nstruct x *f(struct x *a)\n{\n", False),
    ("/**\n * f() - does\n */\nint g(int a);\n", True),
    ("/**\n * f() - does\n * @b: one\n */\nint f(int a);\n", True),
    ("/**\n * f() - does\n * Takes @b.\n */\nint f(int a);\n", True),
    ("/**\n * f() - reads\n * g() - writes\n * @a: one\n * @b: two\n */\n"
     "int f(int a);\nint g(int b);\n", False),
    ("/**\n * f() - reads\n * h() - writes\n */\nint f(int a);\n"
     "int g(int b);\n", True),
    ("/** just words */\nint f(int a);\n", True),
    ("/**\n * f() - does\n */\n\nstruct x {\n", True),
    ("/**\n * f() - does\n * @fn: called\n */\n"
     "int f(int (*fn)(int, void *), void *p)\n\tUVF_REQUIRES(p);\n", False),
    ("/**\n * F() - does\n * @a: one\n */\n#define F(a) ((a) + 1)\n", False),
    ("/* f() - does; @nothing */\nint g(int a);\n", False),
]


def self_test():
    return checks.report_self_test((text, check_text("x.h", text), must_fail)
                                   for text, must_fail in CASES)


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
