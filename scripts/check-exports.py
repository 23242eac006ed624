#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-exports.py [--root DIR] [--write] [--self-test]

src/libuvfio.map must name each function that include/uvfio declares, and
nothing else: a function that is missing cannot be called by a program, nor by
a model in a shared object.  --write puts new names into the last version.
"""
import os
import re

import checks

HEADERS = "include/uvfio"
MAP = "src/libuvfio.map"

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.M)
BODY = re.compile(r"\{[^{}]*\}")
INLINE = re.compile(r"\bstatic inline\b[^()]*\([^()]*\)")
FUNCTION = re.compile(r"\b(uvfio_\w+)\s*\(")
EXPORT = re.compile(r"^\t\t(\w+);$", re.M)


def declared(text):
    """The functions that a header declares."""
    text = DIRECTIVE.sub("", COMMENT.sub(" ", text))
    text = text.replace('extern "C" {', "")
    while BODY.search(text):
        text = BODY.sub(" ", text)
    text = INLINE.sub(" ", text)
    return set(FUNCTION.findall(text))


def exported(text):
    return EXPORT.findall(COMMENT.sub(" ", text))


def compare(headers, text):
    """Wrong lines: headers is {path: text}, text that of the map."""
    found = []
    names = exported(text)
    where = {name: path for path, header in headers.items()
             for name in declared(header)}
    for name in sorted(set(where) - set(names)):
        found.append(f"{MAP}: {name}() of {where[name]} is missing; "
                     "--write adds it")
    for name in names:
        if name not in where:
            found.append(f"{MAP}: no header declares {name}()")
    if len(names) != len(set(names)):
        found.append(f"{MAP}: a name is there twice")
    return found


def with_names(text, names):
    """The map with names added to its last version, in order."""
    start = text.rindex("\tglobal:\n") + len("\tglobal:\n")
    end = start + re.match(r"(?:\t\t\w+;\n)*", text[start:]).end()
    names = sorted(set(exported(text[start:end])) | set(names))
    return text[:start] + "".join(f"\t\t{n};\n" for n in names) + text[end:]


def run(args):
    headers = {}
    for name in sorted(os.listdir(os.path.join(args.root, HEADERS))):
        path = f"{HEADERS}/{name}"
        headers[path] = checks.read(args.root, path)
    text = checks.read(args.root, MAP)
    if args.write:
        names = set().union(*map(declared, headers.values()))
        text = with_names(text, names - set(exported(text)))
        checks.write(args.root, MAP, text)
    return checks.report([compare(headers, text)])


HEADER = """\
/* uvfio_not() is only spoken of. */
#define UVFIO_M(x) uvfio_never(x)
extern "C" {
struct uvfio_ops { int (*uvfio_member)(int a); };
int uvfio_one(struct uvfio_ops *ops)
	__attribute__((format(printf, 1, 2)));
struct uvfio_dev *uvfio_two(void);
}
"""

# Self-test: a map, and whether it must be refused beside HEADER.
CASES = [
    ("V {\n\tglobal:\n\t\tuvfio_one;\n\t\tuvfio_two;\n};\n", False),
    ("V {\n\tglobal:\n\t\tuvfio_one;\n};\n"
     "W {\n\tglobal:\n\t\tuvfio_two;\n} V;\n", False),
    ("V {\n\tglobal:\n\t\tuvfio_one;\n};\n", True),
    ("V {\n\tglobal:\n\t\tuvfio_one;\n\t\tuvfio_two;\n\t\tuvfio_x;\n};\n",
     True),
    ("V {\n\tglobal:\n\t\tuvfio_one;\n\t\tuvfio_one;\n\t\tuvfio_two;\n};\n",
     True),
    (with_names("V {\n\tglobal:\n\t\tuvfio_two;\n};\n", {"uvfio_one"}),
     False),
]


def self_test():
    return checks.report_self_test(
        (text, compare({"include/uvfio/a.h": HEADER}, text), must_fail)
        for text, must_fail in CASES)


if __name__ == "__main__":
    checks.main(__doc__, run, self_test,
                [("--write", {"action": "store_true"})])
