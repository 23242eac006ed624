#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check-commands.py [--root DIR] [--tool UVFIO] [--page PAGE] [--self-test]

Each `uvfio ...` command line of the documents must use commands, options,
device models and keys that the tool knows, and the manual pages must have
exactly the options that --help lists.  A session of the documents, a line
`$ build/uvfio ...` or `$ build/examples/...` and what it prints, is run and
must print just that.  --page runs the sessions of one page and nothing else.
"""
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "scripts"))
import checks  # noqa: E402

PROMPT = re.compile(r"^(?:[$#] )?(?:sudo )?(?:\S*/)?uvfio(?: (.*))?$")
OPTION = re.compile(r"^\s{2,6}(?:(-\w), )?\s*(--[\w-]+)(=|\[=)?", re.M)
GENERIC = {"help", "usage", "version"}


class Tool:
    """What a tool says about itself; ask(args) returns its output."""

    def __init__(self, ask):
        self.ask = ask
        self.commands = set(re.findall(r"^  (\w+) ", ask(["--help"]), re.M))
        self.options = {}
        for command in self.commands:
            found = {}
            for short, name, value in OPTION.findall(
                    ask([command, "--help"])):
                found[name] = bool(value)
                if short:
                    found[short] = bool(value)
            self.options[command] = found
        self.models = set(re.findall(r"^(\w+) ", ask(["run", "-d", "help"]),
                                     re.M))
        self.host_keys = set(re.findall(r"^(\w+)=", ask(
            ["run", "--host=help"]), re.M))
        self.keys = {model: set(re.findall(r"^  ([\w-]+)=", ask(
            ["run", "-d", f"{model},help"]), re.M)) for model in self.models}


def check_device(tool, spec):
    model, *keys = re.split(r"(?<!,),(?!,)", spec)
    if model == "help" or model.isupper() or "/" in model:
        return None
    if model not in tool.models:
        return f"no device model '{model}'; there are: " + ", ".join(
            sorted(tool.models))
    for item in keys:
        key = item.split("=")[0]
        if key not in tool.keys[model] | {"help"} and not key.isupper():
            return f"{model} has no key '{key}'; it has: " + ", ".join(
                sorted(tool.keys[model]))
    return None


def check_words(tool, words):
    """What is wrong with the words behind `uvfio`, or None."""
    if not words or words[0].isupper() or words[0] in ("--version", "--help"):
        return None
    command, rest = words[0], words[1:]
    if command not in tool.commands:
        return f"no command '{command}'; there are: " + ", ".join(
            sorted(tool.commands))
    options = tool.options[command]
    while rest and rest[0].startswith("-") and rest[0] != "--":
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            name, value = word[:2], word[2:]
            equals = value
        if name not in options:
            return f"uvfio {command} has no option {name}; it has: " + \
                ", ".join(sorted(options))
        if options[name] and not equals:
            value = rest.pop(0) if rest else ""
        if name in ("-d", "--device"):
            wrong = check_device(tool, value)
            if wrong:
                return wrong
    return None


def command_lines(text):
    """Lines of code blocks and code spans, with their numbers."""
    fenced, joined, start = False, "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
            continue
        if not fenced:
            for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
                yield number, span
            continue
        start = start or number
        joined += line
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        yield start, joined.strip()
        joined, start = "", 0


def check_text(tool, path, text):
    found = []
    for number, line in command_lines(text):
        match = PROMPT.match(line)
        if not match or "[" in line:
            continue
        words = (match[1] or "").replace("\u2026", "").replace("...", "")
        try:
            wrong = check_words(tool, shlex.split(words, comments=True))
        except ValueError as error:
            wrong = f"no shell would take it: {error}"
        if wrong:
            found.append(f"{path}:{number}: {wrong}")
    return found


def sessions(text):
    """(line, command, output) of each session in a code block."""
    for block in re.finditer(r"^```\n(\$ build/(?:uvfio|examples)\b.*?)^```", text,
                             re.M | re.S):
        number = text.count("\n", 0, block.start(1)) + 1
        for part in re.split(r"^\$ ", block[1], flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield number, command, output
            number += part.count("\n")


def check_sessions(execute, path, text):
    found = []
    for number, command, output in sessions(text):
        got = execute(command)
        if got != output:
            found.append(f"{path}:{number}: '{command}' prints {got!r}; "
                         "show that")
    return found


def check_manual(tool, command, path, text):
    """The options of a manual page against those of the tool."""
    text = text.replace("\\-", "-")
    named = {f"--{o}" for o in re.findall(r"^\.It .*?Fl -([\w-]+)", text,
                                           re.M)}
    known = {o for o in tool.options[command] if o.startswith("--")}
    wanted = known - {f"--{o}" for o in GENERIC}
    found = [f"{path}:1: says nothing of {o}, which the tool has"
             for o in sorted(wanted - named)]
    return found + [f"{path}:1: describes {o}, which the tool has not"
                    for o in sorted(named - known)]


def check_keys(tool, path, text):
    """Models and keys of uvfio-devices(5) against those of the tool."""
    found = []
    sections = re.split(r"^\.S[hs] (.*)\n", text, flags=re.M)
    # Mediated and platform devices are no functions, and behind no bridge.
    common = set.intersection(*(keys for keys in tool.keys.values()
                                if "bridge" in keys))
    described = {}
    for title, body in zip(sections[1::2], sections[2::2]):
        described[title.split()[0]] = set(
            re.findall(r"^\.It Cm ([\w-]+)", body, re.M))
    for model in sorted(tool.models):
        if model not in described:
            found.append(f"{path}:1: says nothing of the model {model}")
            continue
        for key in sorted(tool.keys[model] - common ^ described[model]):
            found.append(f"{path}:1: key {key} of {model} is in only one of "
                         "the page and the tool")
    for key in sorted(common ^ described.get("KEYS", set())):
        found.append(f"{path}:1: key {key} is in only one of the page and "
                     "the tool")
    return found


def check_host(tool, path, text):
    """The keys of --host, each of which the manual page must name."""
    named = set(re.findall(r"^\.Cm (\w+)", text, re.M))
    return [f"{path}:1: says nothing of the key {key} of --host"
            for key in sorted(tool.host_keys - named)]


def documents(root):
    for name in ("README.md", "CONTRIBUTING.md"):
        yield name
    for folder, _, names in sorted(os.walk(os.path.join(root, "docs"))):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), root)


def executor(path_of_tool):
    """What runs a command of a session, and returns what it prints."""
    # Examples lie beside the tool.
    build = os.path.dirname(os.path.abspath(path_of_tool))

    def execute(command):
        words = [re.sub("^build/", build + "/", word)
                 for word in shlex.split(command)]
        return subprocess.run(words, capture_output=True, text=True,
                              check=False, timeout=60).stdout

    return execute


def run_page(root, path_of_tool, page):
    text = checks.read(root, page)
    found = check_sessions(executor(path_of_tool), page, text)
    count = len(list(sessions(text)))
    checks.report([[line] for line in found] + [[]] * (count - len(found)))
    return found or not count


def run_all(root, path_of_tool):
    if not os.access(path_of_tool, os.X_OK):
        print(f"{path_of_tool} is not built: no command was checked")
        return checks.report([])

    def ask(args):
        return subprocess.run([path_of_tool, *args], capture_output=True,
                              text=True, check=False, timeout=60).stdout

    execute = executor(path_of_tool)
    tool = Tool(ask)
    results = []
    for path in documents(root):
        if os.path.exists(os.path.join(root, path)):
            text = checks.read(root, path)
            results.append(check_text(tool, path, text) +
                           check_sessions(execute, path, text))
    for command in ("ctl", "run"):
        page = f"docs/man/uvfio-{command}.1"
        results.append(check_manual(tool, command, page,
                                    checks.read(root, page)))
    page = "docs/man/uvfio-run.1"
    results.append(check_host(tool, page, checks.read(root, page)))
    page = "docs/man/uvfio-devices.5"
    results.append(check_keys(tool, page, checks.read(root, page)))
    return checks.report(results)


def run(args):
    tool = args.tool or os.path.join(args.root, "build", "uvfio")
    if args.page:
        return run_page(args.root, tool, args.page)
    return run_all(args.root, tool)


ANSWERS = {
    "--help": "Usage: uvfio\n  run    run\n  ls     show\n",
    "run --help": "  -d, --device=SPEC    add\n      --abi=PROFILE   x\n"
                  "  -?, --help           help\n",
    "ls --help": "  -d, --device=SPEC    add\n",
    "run --host=help": "iommu=a|b (a)\n        x\nkvm=c (c)\n        y\n",
    "run -d help": "edu      x\nigb      y\nmtty     z\n",
    "run -d mtty,help": "mtty: z\n  uuid=U\n    b\n",
    "run -d edu,help": "edu: x\n  addr=A\n    b\n  bridge=B\n    b\n",
    "run -d igb,help": "igb: x\n  addr=A\n    b\n  bridge=B\n    b\n"
                         "  in=FILE\n    c\n",
}

# Self-test: a line of a document, and whether it must be refused.
CASES = [
    ("`uvfio run -d edu -- prog -x`", False),
    ("`uvfio run -d edu prog`", False),
    ("`uvfio run -dedu prog`", False),
    ("`uvfio run --device=edu prog`", False),
    ("`uvfio walk`", True),
    ("`uvfio run -q prog`", True),
    ("`uvfio run --abi 6.1 --none prog`", True),
    ("`uvfio run -d nvme prog`", True),
    ("`uvfio run -d igb,in=a.pcap prog`", False),
    ("`uvfio run -d igb,into=a.pcap prog`", True),
    ("`uvfio run -d MODEL,help`", False),
    ("```\nbuild/uvfio run -d edu \\\n  --none 1\n```", True),
    ("```\nbuild/uvfio run -d edu \\\n  -- prog --none 1\n```", False),
    ("uvfio runs", False),
]
MANUALS = [
    (".It Fl d Ar S , Fl -device Ns = Ns Ar S\n.It Fl -abi Ns = Ns Ar P\n",
     False),
    (".It Fl -abi\n", True),
    (".It Fl -device\n.It Fl -abi\n.It Fl -more\n", True),
]
KEYS = [
    (".Sh KEYS OF ALL\n.It Cm addr\n.It Cm bridge\n.Ss edu\n.Ss igb\n.It Cm in\n"
     ".Ss mtty\n.It Cm uuid\n", False),
    (".Sh KEYS OF ALL\n.Ss edu\n.Ss igb\n.It Cm in\n"
     ".Ss mtty\n.It Cm uuid\n", True),
    (".Sh KEYS OF ALL\n.It Cm addr\n.It Cm bridge\n.Ss edu\n.Ss igb\n"
     ".Ss mtty\n.It Cm uuid\n", True),
    (".Sh KEYS OF ALL\n.It Cm addr\n.It Cm bridge\n.Ss edu\n.Ss mtty\n.It Cm uuid\n",
     True),
    (".Sh KEYS OF ALL\n.It Cm addr\n.It Cm bridge\n.Ss edu\n.Ss igb\n.It Cm in\n"
     ".Ss mtty\n", True),
]
HOSTS = [
    (".Cm iommu\nis\n.Cm a\n.Cm kvm\n", False),
    (".Cm iommu\nkvm\n", True),
]
SESSIONS = [
    ("```\n$ build/uvfio ls\none\ntwo\n```\n", False),
    ("```\n$ build/uvfio ls\none\n```\n", True),
    ("```\n$ build/uvfio ls\none\ntwo\n$ build/uvfio ls\n```\n", True),
    ("```\n$ uvfio ls\n```\n", False),
]


def self_test():
    tool = Tool(lambda args: ANSWERS[" ".join(args)])
    verdicts = [(text, check_text(tool, "x.md", text), must_fail)
                for text, must_fail in CASES]
    verdicts += [(text, check_manual(tool, "run", "x.1", text), must_fail)
                 for text, must_fail in MANUALS]
    verdicts += [(text, check_host(tool, "x.1", text), must_fail)
                 for text, must_fail in HOSTS]
    verdicts += [(text, check_keys(tool, "x.5", text), must_fail)
                 for text, must_fail in KEYS]
    verdicts += [(text, check_sessions(lambda command: "one\ntwo\n", "x.md",
                                       text), must_fail)
                 for text, must_fail in SESSIONS]
    return checks.report_self_test(verdicts)


if __name__ == "__main__":
    checks.main(__doc__, run, self_test, [("--tool", {}), ("--page", {})])
