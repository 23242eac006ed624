#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""man-pages.py HEADER OUTPUT

Writes the manual page of one header of include/uvfio, section 3, from the
comments in it: the first says what it is about, those before types and
functions what these are.
"""
import os
import re
import sys
import textwrap

TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<directive>^[ \t]*#(?:[^\n]*\\\n)*[^\n]*)"
    r"|(?P<linkage>extern \"C\" \{|^\}$)"
    r"|(?P<blank>\n[ \t]*\n)"
    r"|(?P<code>[^\s](?:/\*.*?\*/|\{(?:[^{}]|\{[^{}]*\})*\}|[^;{])*;)",
    re.S | re.M)
KEYED = re.compile(r"[A-Z]+: ")  # a list of words and what each means


def words(comment):
    """The text of a comment without its stars."""
    lines = comment.strip()[2:-2].lstrip("*").split("\n")
    return textwrap.dedent("\n".join(
        re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines)).strip("\n")


def escape(line):
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line.startswith((".", "'")) or not line else line


def uncapitalised(text):
    """As it stands in the middle of a sentence."""
    return text[0].lower() + text[1:] if text[1].islower() or \
        text[1] == " " else text


def literal(text):
    return [".Bd -literal -offset 2n", *map(escape, text.split("\n")), ".Ed"]


def prose(text):
    """Paragraphs; indented ones, as lists of errors, stay as they are."""
    out = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.split("\n")
        if KEYED.match(paragraph):
            out += literal(paragraph)
            continue
        while lines:
            if lines[0].startswith(" "):
                count = next((i for i, line in enumerate(lines)
                              if not line.startswith(" ")), len(lines))
                out += literal(textwrap.dedent("\n".join(lines[:count])))
            else:
                count = next((i for i, line in enumerate(lines)
                              if line.startswith(" ")), len(lines))
                out += [".Pp", *(escape(line) for line in lines[:count])]
            lines = lines[count:]
    return out


def function(text, code):
    """One /** comment and the functions behind it."""
    titles, params, rest = [], [], []
    for line in text.split("\n"):
        if re.match(r"\w+\(\) - ", line):
            titles.append(line)
        elif re.match(r"@\w+: ", line) and not rest:
            params.append(line)
        elif params and line.startswith(" ") and not rest:
            params[-1] += " " + line.strip()
        elif line or rest:
            rest.append(line)
    out = [f".Ss {escape(titles[0].split('(')[0])}"]
    out += literal("\n".join(code)) + [".Pp"]
    if len(titles) == 1:
        what = titles[0].split(" - ", 1)[1]
        out += [escape(what[0].upper() + what[1:] + ".")]
    else:
        out += [escape(t) + (";" if t is not titles[-1] else ".")
                for t in titles]
    if params:
        out += [".Bl -tag -width indent"]
        for param in params:
            name, what = param[1:].split(": ", 1)
            out += [f".It Fa {name}", escape(what.strip().replace("@", ""))]
        out += [".El"]
    return out + prose("\n".join(rest).replace("@", ""))


def declarations(text):
    """(comment or None, [declaration]) of each group of a header."""
    groups, comment, code = [], None, []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "code":
            code.append(match[0])
            continue
        if kind == "directive" and match[0].startswith("#define"):
            code.append(match[0])
            continue
        if kind in ("comment", "blank") and code:
            groups.append((comment, code))
            comment, code = None, []
        if kind == "comment":
            comment = match[0]
        elif kind == "blank":
            comment = None if not code else comment
    if code:
        groups.append((comment, code))
    return groups


def page(name, text):
    text = text.replace("/* SPDX-License-Identifier: BSD-3-Clause */\n", "")
    head = re.match(r"\s*(/\*.*?\*/)", text, re.S)
    about = words(head[1])
    guard = re.search(r"#define UVFIO_\w+_H\n", text).end()
    title = f"uvfio-{name}" if name != "uvfio" else "uvfio"
    first = re.split(r"[.:;]", about.replace("\n", " "))[0]
    out = [".\\\" SPDX-License-Identifier: BSD-3-Clause",
           ".Dd November 21, 2026",
           f".Dt {title.upper()} 3", ".Os", ".Sh NAME", f".Nm {title}",
           f".Nd {escape(uncapitalised(first))}", ".Sh LIBRARY",
           "libuvfio (\\-luvfio), see", ".Xr pkg-config 1 ;",
           "a model in a shared object needs no library.", ".Sh SYNOPSIS",
           f".In uvfio/{name}.h", ".Sh DESCRIPTION",
           *prose(about)[1:]]
    types, functions = [".Sh TYPES"], [".Sh FUNCTIONS"]
    for comment, code in declarations(text[guard:]):
        if comment and comment.startswith("/**"):
            functions += function(words(comment), code)
            continue
        where = functions if re.search(r"\buvfio_\w+\(", code[0]) and \
            "{" not in code[0] else types
        where += prose(words(comment)) if comment else [".Pp"]
        where += literal("\n".join(code))
    for section in (types, functions):
        out += section if len(section) > 1 else []
    return "\n".join(out + [".Sh SEE ALSO", ".Xr uvfio 1 ,",
                            ".Xr uvfio-devices 5", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    name = os.path.basename(sys.argv[1])[:-2]
    with open(sys.argv[1], encoding="utf-8") as file:
        text = page(name, file.read())
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
