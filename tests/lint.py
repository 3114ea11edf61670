#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The style rules that a program can check. Prints each violation as file:line: rule: text."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

FILE_LINES = {"daemon/": 500, "lib/": 500, "cli/": 500}
OTHER_FILE_LINES = 600
FUNCTION_LINES = 60
COLUMNS = 100
BANNED = {
    "strcpy": "str_copy", "strcat": "str_copy or snprintf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "strtok": "strsep or strchr", "gets": "fgets",
    "atoi": "strtol with checks", "atol": "strtol with checks", "atof": "strtod with checks",
    "system": "nothing", "popen": "nothing", "sleep": "a timer of the loop",
    "usleep": "a timer of the loop", "nanosleep": "a timer of the loop",
    "redisCommand": "redis_call_start", "redisvCommand": "redis_call_start",
    "redisCommandArgv": "redis_call_start", "curl_easy_perform": "the multi interface",
}
# The client is a short program without an event loop: it may wait.
ALLOWED = {"cli/": {"curl_easy_perform", "nanosleep"}}
BANNED_CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
# The floors, from the ground up, as in docs/ARCHITECTURE.md: an include goes to a lower floor, or stays
# in its own directory and what is below it. Directories of one floor do not know each other.
FLOORS = (
    ("lib/base",),
    ("lib/net",),
    ("lib/redis", "lib/http", "lib/yaml", "lib/db", "lib/sd", "lib/aws"),
    ("daemon/spec",),
    ("daemon/core",),
    ("daemon/event",),
    ("daemon/store",),
    ("daemon/bus",),
    ("daemon/node",),
    ("daemon/migration",),
    ("daemon/job",),
    ("daemon/api",),
    ("daemon",),
)
# The client speaks to the daemon over HTTP; it links what of it is tables and texts.
CLI_MAY_INCLUDE = re.compile(
    r"lib/|cli/|daemon/(core/(reason|fsm)|spec/\w+|config|api/(view_fsm|api_config))\.h$")
# Files that use each other, in a circle: each with its reason.
CIRCLES = {}
INCLUDE = re.compile(r"daemon/(core/(reason|fsm|reason_table)|event/event_table|api/view_fsm|spec/\w+|config)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SPDX = "SPDX-License-Identifier: Apache-2.0"


def repository_files():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                         capture_output=True, text=True).stdout
    return [f for f in out.splitlines() if os.path.isfile(f)]


def is_c(path):
    return path.endswith((".c", ".h"))


def is_formatted(path):
    """Tables of X-macros are laid out by hand, one row a line."""
    return is_c(path) and not path.endswith("_table.h")


def is_source(path):
    name = os.path.basename(path)
    return is_c(path) or path.endswith((".py", ".sh", ".service", ".js", ".mjs", ".css", ".html")) \
        or name == "Makefile" or path == ".ci/run"


def blank_comments_and_strings(text):
    """The same text, same lines, without comments and the insides of literals."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_calls(path, code):
    allowed = set().union(*(names for top, names in ALLOWED.items() if path.startswith(top)), set())
    for number, line in enumerate(code.splitlines(), 1):
        for match in BANNED_CALL.finditer(line):
            name = match.group(1)
            if name not in allowed:
                yield number, f"banned-call: {name}; use {BANNED[name]}"


def floor_of(path):
    """(number, directory) of the floor a file is on; None: it is on none."""
    found = [(level, top) for level, tops in enumerate(FLOORS) for top in tops if path.startswith(top + "/")]
    return max(found, key=lambda f: len(f[1]), default=None)


def check_floors(path, text):
    here = floor_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        there = floor_of(target)
        if "/" not in target:
            yield number, f'floor: "{target}" is not rooted'
        elif path.startswith("cli/") and not CLI_MAY_INCLUDE.match(target):
            yield number, f"floor: cli/ includes {target}"
        elif here and not there:
            yield number, f"floor: {here[1]}/ includes {target}, which is on none"
        elif here and there[0] >= here[0] and there[1] != here[1]:
            yield number, f"floor: {here[1]}/ includes {target}, which is above or beside it"


def circles(graph):
    """The strongly connected parts of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(part) > 1:
                found.append(sorted(part))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def include_graph(headers):
    graph = {}
    for path in headers:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
        graph[path] = sorted({m.group(1) for m in map(INCLUDE.match, lines) if m})
    return graph


def symbol_graph(sources, build):
    """Which file uses what another one defines, functions and data alike, from the objects."""
    objects = {f"{build}/{path[:-2]}.o": path for path in sources}
    missing = [o for o in objects if not os.path.exists(o)]
    if missing:
        raise SystemExit(f"lint: {missing[0]} is not there; build first")
    out = subprocess.run(["nm", "-A", "-P", *objects], check=True, capture_output=True, text=True).stdout
    defined, used = {}, {path: set() for path in sources}
    for line in out.splitlines():
        where, symbol, kind = re.match(r"(.*?): (\S+) (\S)", line).groups()
        if kind == "U":
            used[objects[where]].add(symbol)
        elif kind.isupper():
            defined[symbol] = objects[where]
    return {path: sorted({defined[s] for s in symbols if s in defined}) for path, symbols in used.items()}


def check_circles(files, build):
    of_floors = [f for f in files if floor_of(f)]
    graphs = [include_graph([f for f in of_floors if f.endswith(".h")])]
    if build:
        graphs.append(symbol_graph([f for f in of_floors if f.endswith(".c")], build))
    for graph in graphs:
        for circle in circles(graph):
            if tuple(circle) not in CIRCLES:
                yield f"{circle[0]}: circle: {', '.join(circle)} use each other"


def check_file_length(path, text):
    limit = next((n for top, n in FILE_LINES.items() if path.startswith(top)), OTHER_FILE_LINES)
    if len(text.splitlines()) > limit:
        yield limit + 1, f"length: {len(text.splitlines())} lines; a file has at most {limit}"


def check_lengths(path, text, code):
    lines = text.splitlines()
    if is_formatted(path):
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS:
                yield number, f"length: {len(line)} columns; a line has at most {COLUMNS}"
    start = None
    previous = ""
    for number, line in enumerate(code.splitlines(), 1):
        if line == "{" and previous.rstrip().endswith(")"):
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_LINES:
                yield start, f"length: a function of {number - start - 1} lines; at most {FUNCTION_LINES}"
            start = None
        previous = line if line.strip() else previous


def check_file(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    if SPDX not in "\n".join(text.splitlines()[:3]):
        yield 1, "spdx: no licence line"
    if text and not text.endswith("\n"):
        yield 1, "format: no newline at the end"
    if is_c(path):
        code = blank_comments_and_strings(text)
        yield from check_calls(path, code)
        yield from check_floors(path, text)
        yield from check_lengths(path, text, code)
        if path.endswith(".h") and not path.endswith("_table.h") and "#pragma once" not in text:
            yield 1, "header: no #pragma once"
    if not path.endswith("_table.h"):
        yield from check_file_length(path, text)


def check_readmes(files):
    directories = {os.path.dirname(f) for f in files}
    for directory in sorted(directories):
        if not os.path.exists(os.path.join(directory, "README.md")) and not directory.startswith(".ci"):
            yield f"{directory or '.'}: readme: the directory has no README.md"


def check_format(files):
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=3", *files],
                            capture_output=True, text=True)
    for line in result.stderr.splitlines():
        if ": error:" in line:
            yield line.replace("error: ", "format: ").split(" [")[0]


def tidy(path, flags):
    result = subprocess.run(["clang-tidy", "--quiet", path, "--", *flags],
                            capture_output=True, text=True)
    return result.stdout.strip() if result.returncode else ""


def check_tidy(files, flags):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(lambda f: tidy(f, flags), files):
            if output:
                yield output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix-format", action="store_true", help="run clang-format in place")
    parser.add_argument("--compile-flags", default="", help="for clang-tidy; empty: skip it")
    parser.add_argument("--build", default="", help="where the objects are, for circles; empty: skip them")
    args = parser.parse_args()
    files = repository_files()
    formatted = [f for f in files if is_formatted(f)]
    if args.fix_format:
        return subprocess.run(["clang-format", "-i", *formatted]).returncode

    found = []
    for path in filter(is_source, files):
        found += [f"{path}:{number}: {text}" for number, text in check_file(path)]
    found += check_circles(files, args.build)
    found += check_readmes(files)
    found += check_format(formatted)
    if args.compile_flags:
        units = [f for f in formatted if f.endswith(".c") and not f.startswith("tests/")]
        found += check_tidy(units, shlex.split(args.compile_flags))
    print("\n".join(found + [f"lint: {len(files)} files, {len(found)} violations"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
