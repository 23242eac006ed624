#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-names.py [--root DIR] [--self-test]

What the documents name must exist: files and folders in backticks, targets
of links, and functions, structures and constants of the project.  So must
documents that the sources name.
"""
import glob
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

# Where a path of a document may start, and what makes a word a path.
PLACES = ("", "src", "include", "docs")
TOPS = ("src", "include", "tools", "tests", "docs", "scripts", "examples",
        "bench", ".ci")
BUILT = re.compile(r"(build|/)")  # made by the build, or of the system
PATH = re.compile(r"\.?[\w+-]+(?:[/.][\w.+*{},<>-]+)+/?$")
FILE_END = re.compile(r"\.(c|h|py|sh|md|lds|pcap|build|txt|[15])$")

CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
DOCUMENT = re.compile(r"(?<![\w*./-])[\w./-]*\w\.(?:md|rst)\b")
FENCE = re.compile(r"^```.*?^```", re.S | re.M)

# Names of the project: a definition of each must be in its sources.
NAME = re.compile(r"(?:struct |enum )?((?:uvf|uvfio)_\w+|UVF_\w+|UVFIO_\w+|"
                  r"(?:container|group|device|pci|type1)_ioctl_\w+)"
                  r"(?:\(\))?$")


def expand(path):
    """a/{b,c}.d as a/b.d and a/c.d."""
    match = re.search(r"\{([^}]*)\}", path)
    if not match:
        return [path]
    return [one for part in match[1].split(",") for one in
            expand(path[:match.start()] + part.strip() + path[match.end():])]


def exists(root, path):
    return any(glob.glob(os.path.join(root, place, path))
               for place in PLACES)


def folders(root):
    """First parts of paths that mean the tree."""
    src = os.path.join(root, "src")
    found = set(TOPS) | {"uvfio"}
    if os.path.isdir(src):
        found |= set(os.listdir(src))
    return found


def is_path(root, word):
    """Whether a word in backticks means a file or folder of the tree."""
    if BUILT.match(word) or "<" in word or not PATH.match(word):
        return False
    if "/" in word:
        return word.split("/")[0] in folders(root)
    return bool(FILE_END.search(word)) and word[0].isupper()


def words_of_sources(root):
    words = set()
    for top in ("include", "src", "tools", "tests", "examples", "scripts"):
        for folder, subs, names in os.walk(os.path.join(root, top)):
            subs[:] = [sub for sub in subs if sub != "corpus"]
            for name in names:
                if "." not in name or name.endswith(
                        (".c", ".h", ".lds", ".py", ".build")):
                    with open(os.path.join(folder, name),
                              encoding="utf-8") as file:
                        words |= set(re.findall(r"\w+", file.read()))
    return words


def check_word(root, words, word):
    name = NAME.match(word)
    if name and name[1] not in words:
        return f"`{word}`: no such name in the sources"
    if is_path(root, word):
        for path in expand(word):
            if not exists(root, path):
                return f"`{word}`: no such file or folder"
    return None


def check_text(root, words, path, text):
    # Fences stay as empty lines, so that the numbers fit.
    text = FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        wrong = [check_word(root, words, code[1])
                 for code in CODE.finditer(line)]
        for link in LINK.finditer(line):
            if "://" in link[1]:
                continue
            target = os.path.join(root, os.path.dirname(path), link[1])
            if not os.path.exists(target):
                wrong.append(f"({link[1]}): the link leads nowhere")
        found += [f"{path}:{number}: {what}; correct the document"
                  for what in wrong if what]
    return found


def is_foreign(line, name):
    """Whether a document is one of another project, as the line says."""
    return bool(re.search(r"\b(QEMU|Linux|DPDK|kernel)'?s?\b", line)) or \
        name.endswith(".rst")


def check_source(root, path, text):
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        for name in DOCUMENT.findall(line):
            if not is_foreign(line, name) and not exists(root, name):
                found.append(f"{path}:{number}: {name}: no such document; "
                             "name one of docs/")
    return found


def sources(root):
    for top in ("include", "src", "tools", "examples", "tests"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                # Checkers name documents that do not exist, in self-tests.
                if name.endswith((".c", ".h")) or (
                        name.endswith(".py") and "/docs/" not in path):
                    yield path


def documents(root):
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        if os.path.exists(os.path.join(root, name)):
            yield name
    for folder, _, names in sorted(os.walk(os.path.join(root, "docs"))):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), root)


def run(root):
    words = words_of_sources(root)
    return checks.report(
        [check_text(root, words, path, checks.read(root, path))
         for path in documents(root)] +
        [check_source(root, path, checks.read(root, path))
         for path in sources(root)])


# Self-test: a text, and whether it must be refused.
CASES = [
    ("see `src/core/file.c` and `core/file.c`\n", False),
    ("see `src/core/{file,none}.c`\n", True),
    ("see `src/core/none.c`\n", True),
    ("see `src/none/`\n", True),
    ("see `core/none.h`\n", True),
    ("see `/dev/vfio/vfio`, `build/uvfio`, `edu/none`\n", False),
    ("calls `uvf_known()`\n", False),
    ("calls `uvf_unknown()`\n", True),
    ("holds `struct uvf_unknown`\n", True),
    ("[here](README.md)\n", False),
    ("[here](NONE.md)\n", True),
    ("[here](https://example.org/none.md)\n", False),
    ("```\nsee `src/core/none.c`\n```\n", False),
]
SOURCES = [
    ("/* README.md tells. */\n", False),
    ("/* See none/none.md. */\n", True),
    ("/* Source: QEMU's docs/specs/edu.rst. */\n", False),
]


def self_test():
    with tempfile.TemporaryDirectory() as root:
        checks.write(root, "src/core/file.c", "int uvf_known(void);\n")
        checks.write(root, "README.md", "\n")
        words = words_of_sources(root)
        return checks.report_self_test(
            [(text, check_text(root, words, "x.md", text), must_fail)
             for text, must_fail in CASES] +
            [(text, check_source(root, "x.c", text), must_fail)
             for text, must_fail in SOURCES])


if __name__ == "__main__":
    checks.main(__doc__, lambda args: run(args.root), self_test)
