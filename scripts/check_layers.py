"""Refuses an import in core that points down the map.

A file of `core/src` may use its own row and the rows above it:

    words <- rules <- engine <- store <- runtime <- worker <- client

`apart`, `error` and `future` belong to no row and may be used, and use words, everywhere. Time and
chance are arguments: only the files named below read a clock or draw a random number. Prints one
line per finding and closes with `N passed, N failed`, one case per file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).resolve().parents[1] / "core" / "src"

ROWS = ["words", "rules", "engine", "store", "runtime", "worker", "client"]
ANYWHERE = {"apart", "error", "future"}

# An import against the direction, with its reason. An entry no longer needed is a finding too.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("words/schema.rs", "rules"): "a description of the words states their limits; nothing runs it",
}

# The files that read a clock or draw a random number.
CLOCKS = {"store/clock.rs", "runtime/host.rs"}
CHANCE = {"rules/chance.rs"}
CLOCK_READ = re.compile(r"\b(?:Instant|SystemTime)::now\b|\bTimestamp::now\b")
CHANCE_DRAW = re.compile(r"\bgetrandom::|\brand::|\bUuid::(?:new_v4|now_v7)\b")

PATH = re.compile(r"\bcrate::\s*(\{|[A-Za-z_]\w*)")
REEXPORT = re.compile(r"pub use (?:crate::)?(\w+)::([^;]+);")


def bare(text: str) -> str:
    """The text without comments, strings and unit tests, with its lines in place."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())  # noqa: E731
    text = re.sub(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', blank, text, flags=re.S)
    return re.sub(r"#\[cfg\(test\)\]\s*mod \w+ \{.*\n\}", blank, text, flags=re.S)


def first_names(text: str, start: int) -> Iterator[str]:
    """The first segment of each path in the brace group that opens at `start`."""
    depth, name, fresh = 0, "", True
    for char in text[start:]:
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif depth == 1 and fresh and (char.isalnum() or char == "_"):
            name += char
            continue
        if name:
            yield name
            name = ""
        fresh = depth == 1 and (char == "," or (char.isspace() and fresh) or char == "{")
        if depth == 0:
            return


def imports(text: str) -> Iterator[tuple[int, str]]:
    """Line number and first segment of every path that starts at the crate."""
    for match in PATH.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[1] == "{":
            for name in first_names(text, match.start(1)):
                yield line, name
        else:
            yield line, match[1]


def root_names() -> dict[str, str]:
    """Names that `lib.rs` re-exports, with the row they come from."""
    names = {}
    for row, rest in REEXPORT.findall(bare((CORE / "lib.rs").read_text())):
        for name in re.findall(r"\b(\w+)\b(?=\s*(?:,|\}|$))", rest):
            names[name] = row
    return names


def findings(file: Path, roots: dict[str, str], used: set[tuple[str, str]]) -> Iterator[str]:
    """What is wrong with one file."""
    name = file.relative_to(CORE).as_posix()
    row = name.split("/")[0]
    text = bare(file.read_text())
    for pattern, allowed, what in (
        (CLOCK_READ, CLOCKS, "reads a clock"),
        (CHANCE_DRAW, CHANCE, "draws a random number"),
    ):
        for match in pattern.finditer(text):
            if name not in allowed:
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {what}; time and chance are arguments"
    if row not in ROWS:
        return
    if "super::super::" in text:
        yield f"{name}: super::super:: hides which row is meant; write crate::"
    for line, first in imports(text):
        target = roots.get(first, first)
        if target in ANYWHERE:
            continue
        if target not in ROWS:
            yield f"{name}:{line}: crate::{first} belongs to no row known to this check"
        elif ROWS.index(target) > ROWS.index(row):
            used.add((name, target))
            if (name, target) not in EXCEPTIONS:
                yield f"{name}:{line}: {row} may not use {target}, which stands below it"


def main() -> int:
    passed = failed = 0
    used: set[tuple[str, str]] = set()
    roots = root_names()
    rows = {path.name for path in CORE.iterdir() if path.is_dir()}
    problems = [
        f"core/src/{row}: a row this check does not know" for row in sorted(rows - set(ROWS))
    ]
    for file in sorted(CORE.rglob("*.rs")):
        found = list(findings(file, roots, used))
        problems += found
        passed, failed = passed + (not found), failed + bool(found)
    stale = [
        f"{name}: no longer uses {row}; remove the exception"
        for name, row in EXCEPTIONS
        if (name, row) not in used
    ]
    problems += stale
    failed += len(stale) + len(rows - set(ROWS))
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
