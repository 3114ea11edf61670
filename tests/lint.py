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

FILE_LINES = 800
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
# Pure tables, which the client prints too.
CLI_MAY_INCLUDE = re.compile(r"daemon/(core/(reason|fsm|reason_table)|event/event_table|api/view_fsm|spec/\w+|config)\.h$")
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


def check_layers(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        top = target.split("/")[0]
        if "/" not in target:
            yield number, f'layer: "{target}" is not rooted'
        elif path.startswith("lib/") and top != "lib":
            yield number, f"layer: lib/ includes {target}"
        elif path.startswith("daemon/") and top not in ("lib", "daemon"):
            yield number, f"layer: daemon/ includes {target}"
        elif path.startswith("cli/") and top == "daemon" and not CLI_MAY_INCLUDE.search(target):
            yield number, f"layer: cli/ includes {target}"


def check_lengths(path, text, code):
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield FILE_LINES + 1, f"length: {len(lines)} lines; a file has at most {FILE_LINES}"
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
        yield from check_layers(path, text)
        yield from check_lengths(path, text, code)
        if path.endswith(".h") and not path.endswith("_table.h") and "#pragma once" not in text:
            yield 1, "header: no #pragma once"
    elif len(text.splitlines()) > FILE_LINES:
        yield 1, f"length: a file has at most {FILE_LINES} lines"


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
    args = parser.parse_args()
    files = repository_files()
    formatted = [f for f in files if is_formatted(f)]
    if args.fix_format:
        return subprocess.run(["clang-format", "-i", *formatted]).returncode

    found = []
    for path in filter(is_source, files):
        found += [f"{path}:{number}: {text}" for number, text in check_file(path)]
    found += check_readmes(files)
    found += check_format(formatted)
    if args.compile_flags:
        units = [f for f in formatted if f.endswith(".c") and not f.startswith("tests/")]
        found += check_tidy(units, shlex.split(args.compile_flags))
    print("\n".join(found + [f"lint: {len(files)} files, {len(found)} violations"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
