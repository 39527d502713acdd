#!/usr/bin/env python3
"""Merges what the runners ran into `docs/conformance.md`.

    python3 spec/conformance.py            write the page
    python3 spec/conformance.py --check    write nothing; exit 1 when the page is out of date

Both fail when a runner is missing, ran other vectors than these, or ran fewer cases than
`spec/vectors/index.json` counts. Results are read from `WINDLASS_RESULTS`, else
`target/conformance`; the test runs of each language write them. No packages, but
tomli before Python 3.11.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/conformance.md"

# Runner, its column, and its store; core runs the functions and records that no client shows.
RUNNERS = [
    ("core", "core", None),
    ("rust-memory", "Rust, memory", "memory"),
    ("rust-sqlite", "Rust, SQLite", "sqlite"),
    ("rust-rest-memory", "Rust, HTTP, memory", "memory"),
    ("rust-rest-sqlite", "Rust, HTTP, SQLite", "sqlite"),
    ("python-memory", "Python, memory", "memory"),
    ("python-sqlite", "Python, SQLite", "sqlite"),
    ("python-rest-memory", "Python, HTTP, memory", "memory"),
    ("python-rest-sqlite", "Python, HTTP, SQLite", "sqlite"),
    ("node-memory", "Node, memory", "memory"),
    ("node-sqlite", "Node, SQLite", "sqlite"),
    ("node-rest-memory", "Node, HTTP, memory", "memory"),
    ("node-rest-sqlite", "Node, HTTP, SQLite", "sqlite"),
    ("web-memory", "browser, memory", "memory"),
    ("web-rest-memory", "browser, HTTP, memory", "memory"),
    ("web-rest-sqlite", "browser, HTTP, SQLite", "sqlite"),
]

LAWS = {
    1: "Submit is atomic and durable",
    2: "Order",
    3: "One live lease",
    4: "Crash",
    5: "Retry",
    6: "Idempotency",
    7: "Timeout",
    8: "Cancel",
    9: "Streams",
    10: "State",
    11: "Batches and lists",
    12: "Pipelines",
    13: "Strategies",
    15: "Backpressure",
    16: "Bad input",
    17: "Tenants",
    18: "Shutdown",
    19: "Retention",
    20: "Compatibility",
}

Counts = dict[int, int]


def main() -> int:
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    index = json.loads((ROOT / "spec/vectors/index.json").read_text("utf-8"))
    listed = tomllib.loads((ROOT / "spec/expected-failures.toml").read_text("utf-8"))
    failures = listed.get("failure", [])
    faults: list[str] = [f"law {law} has no name here" for law in laws(index) if law not in LAWS]
    table: dict[str, tuple[Counts, Counts]] = {}
    for runner, _, store in RUNNERS:
        want = wanted(index, store)
        given = ran(runner, index["digest"], faults)
        if given is None:
            continue
        passed, expected = given
        mine = {row["id"] for row in failures if row["runner"] == runner}
        if set(expected) != mine:
            faults.append(f"{runner}: listed failures are {sorted(mine)}, it had {expected}")
        if sum(passed.values()) + len(expected) != sum(want.values()):
            faults.append(f"{runner}: {sum(passed.values())} cases ran of {sum(want.values())}")
        table[runner] = (passed, want)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    page = render(table, failures)
    if PAGE.exists() and PAGE.read_text("utf-8") == page:
        return 0
    if sys.argv[1:] == ["--check"]:
        print(
            "docs/conformance.md is out of date: run python3 spec/conformance.py", file=sys.stderr
        )
        return 1
    PAGE.write_text(page, "utf-8")
    print("docs/conformance.md written")
    return 0


def laws(index: dict[str, Any]) -> set[int]:
    return {int(law) for entry in index["files"].values() for law in entry["laws"]}


def wanted(index: dict[str, Any], store: str | None) -> Counts:
    """Cases that a runner must run, by law."""
    counts: Counts = {}
    for name, entry in index["files"].items():
        if store is None:
            runs = entry["level"] == "core" or name.startswith("pure/")
        else:
            runs = entry["level"] == "client" and store in entry.get("stores", [store])
        for law, count in entry["laws"].items() if runs else ():
            counts[int(law)] = counts.get(int(law), 0) + count
    return counts


def ran(runner: str, digest: str, faults: list[str]) -> tuple[Counts, list[str]] | None:
    """What a runner ran, by law, and the listed failures that it had."""
    folder = Path(os.environ.get("WINDLASS_RESULTS") or ROOT / "target/conformance")
    path = folder / f"{runner}.json"
    if not path.exists():
        faults.append(f"{runner}: no results in {folder}; run its tests first")
        return None
    record = json.loads(path.read_text("utf-8"))
    if record.get("vectors") != digest:
        faults.append(f"{runner}: its results are of other vectors; run its tests again")
        return None
    counts: Counts = {}
    for by_law in record["passed"].values():
        for law, count in by_law.items():
            counts[int(law)] = counts.get(int(law), 0) + count
    return counts, record["expected_failures"]


def render(table: dict[str, tuple[Counts, Counts]], failures: list[dict[str, str]]) -> str:
    columns = [name for _, name, _ in RUNNERS]
    rows = []
    for law, title in LAWS.items():
        cells = [cell(*table[runner], law) for runner, _, _ in RUNNERS]
        rows.append(f"| {law} | {title} | {' | '.join(cells)} |")
    totals = [f"{sum(table[r][0].values())} of {sum(table[r][1].values())}" for r, _, _ in RUNNERS]
    rows.append(f"| | **all** | {' | '.join(totals)} |")
    lines = [
        "<!-- Generated from test results by spec/conformance.py: do not edit. -->",
        "# Conformance",
        "",
        "The same cases run through the public interface of every language on every store; none",
        "is skipped. A cell says how many passed. *HTTP* is a client that knows nothing but the",
        "URL of a server on that store. Core also runs the functions and records that no client",
        "shows. The cases are in [spec/vectors](../spec/vectors), their format in",
        "[spec/README.md](../spec/README.md).",
        "",
        f"| law | | {' | '.join(columns)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
        *rows,
        "",
    ]
    if failures:
        lines += ["## Expected failures", "", "| case | runner | reason |", "| --- | --- | --- |"]
        lines += [f"| `{r['id']}` | {r['runner']} | {r['reason']} |" for r in failures]
    else:
        lines += ["No case is expected to fail."]
    return "\n".join([*lines, ""])


def cell(passed: Counts, want: Counts, law: int) -> str:
    have, need = passed.get(law, 0), want.get(law, 0)
    if not need:
        return ""
    return str(have) if have == need else f"{have} of {need}"


if __name__ == "__main__":
    raise SystemExit(main())
