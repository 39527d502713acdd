#!/usr/bin/env python3
"""Writes what is generated from `spec/`: errors, their pages, TypeScript, the index of vectors.

    python3 spec/generate.py            write
    python3 spec/generate.py --check    write nothing; exit 1 and list the files that differ

No packages, but tomli before Python 3.11.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import typescript

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "spec"
PYTHON = "bindings-python/python/windlass/errors.py"
PAGES = "docs/errors"
INDEX = "spec/vectors/index.json"

TYPES = {
    "string": ("str", '""'),
    "integer": ("int", "0"),
    "seconds": ("float", "0.0"),
    "status": ("str", '""'),
    "task_error": ("TaskErrorRecord", "TaskErrorRecord()"),
}
BUILTINS = {
    "Exception",
    "ValueError",
    "TimeoutError",
    "ConnectionError",
    "RuntimeError",
    "NotImplementedError",
}


def main() -> int:
    table = load("errors.toml")
    check(table)
    files = {PYTHON: python(table), INDEX: index()}
    files[typescript.ERRORS] = typescript.errors(table)
    files[typescript.WORDS] = typescript.words(load("words.toml"), load("statuses.toml"))
    files |= pages(table)
    differ = [name for name, text in files.items() if read(ROOT / name) != text]
    stale = {path.relative_to(ROOT).as_posix() for path in (ROOT / PAGES).glob("*.md")} - set(files)
    if sys.argv[1:] == ["--check"]:
        for name in sorted([*differ, *stale]):
            print(f"{name} is out of date: run python3 spec/generate.py", file=sys.stderr)
        return 1 if differ or stale else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    for name in differ:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(files[name], "utf-8")
    for name in stale:
        (ROOT / name).unlink()
    print(f"{len(differ)} written, {len(stale)} removed, {len(files) - len(differ)} unchanged")
    return 0


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((SPEC / name).read_text("utf-8"))


def read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def check(table: dict[str, Any]) -> None:
    """Refuses a table with a gap: every entry whole, every base known before it is used."""
    known = set(BUILTINS)
    codes: set[str] = set()
    for entry in [*table["class"], *table["error"], *table["attempt"]]:
        name = entry.get("class", entry.get("name", ""))
        for base in entry.get("bases", []):
            if base not in known:
                raise SystemExit(f"errors.toml: {entry['code']}: base {base!r} is not known here")
        if entry["code"] in codes or name in known:
            raise SystemExit(f"errors.toml: {entry['code']} or {name} stands twice")
        codes.add(entry["code"])
        known.add(name or entry["code"])
    for entry in table["error"]:
        gaps = {"rust", "class", "bases", "http_status", "retryable", "meaning", "todo", "fields"}
        if gaps - set(entry):
            raise SystemExit(f"errors.toml: {entry['code']} lacks {sorted(gaps - set(entry))}")


# --- Python classes


PYTHON_HEAD = '''\
# Generated from spec/errors.toml by spec/generate.py: do not edit.
"""Every error that Windlass raises: one class for one stable code.

Catch by class, or compare `code`; never read the message text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

__all__ = [
%(names)s
    "from_code",
]


class TaskErrorRecord(TypedDict, total=False):
    """The error of a failed attempt."""

    code: str
    message: str
    error_type: str | None
    traceback: str | None
    retryable: bool
    at: str | None
'''

PYTHON_BASE = '''
class WindlassError(Exception):
    """%(meaning)s"""

    #: Stable code, the same in every language and on the wire.
    code: str = "%(code)s"
    #: The HTTP status that carries this error.
    http_status: ClassVar[int] = 500
    #: Whether the same call may succeed later without any change by the caller.
    retryable: ClassVar[bool] = False
    #: The error's values by their wire names.
    fields: dict[str, Any]

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), self.message, self.code, self.fields))
'''

PYTHON_TAIL = '''
_CLASSES: dict[str, type[WindlassError]] = {
%(table)s
}


def from_code(
    code: str,
    message: str = "",
    fields: Mapping[str, Any] | None = None,
) -> WindlassError:
    """The error with this code; an unknown one gives a plain `WindlassError`."""
    return _CLASSES.get(code, WindlassError)(message, code=code, fields=fields)


def _restore(
    kind: type[WindlassError],
    message: str,
    code: str,
    fields: dict[str, Any],
) -> WindlassError:
    return kind(message, code=code, fields=fields)
'''


def python(table: dict[str, Any]) -> str:
    parts: list[str] = []
    names = [e.get("class", e.get("name")) for e in [*table["class"], *table["error"]]]
    names = sorted([*names, "TaskErrorRecord"])
    parts.append(PYTHON_HEAD % {"names": "\n".join(f'    "{name}",' for name in names)})
    for entry in table["class"]:
        if entry["name"] == "WindlassError":
            parts.append(PYTHON_BASE % entry)
        else:
            parts.append(python_class(entry["name"], entry))
    parts += [python_class(entry["class"], entry) for entry in table["error"]]
    rows = "\n".join(f'    "{e["code"]}": {e["class"]},' for e in table["error"])
    rows = "\n".join(f'    "{e["code"]}": {e["name"]},' for e in table["class"]) + "\n" + rows
    parts.append(PYTHON_TAIL % {"table": rows})
    return "\n".join(parts)


def python_class(name: str, entry: dict[str, Any]) -> str:
    lines = ["", f"class {name}({', '.join(entry['bases'])}):"]
    lines += docstring(entry["meaning"], entry.get("todo"))
    lines += ["", f'    code = "{entry["code"]}"']
    if entry.get("http_status", 500) != 500 or "TaskTimeoutError" in entry["bases"]:
        lines.append(f"    http_status = {entry['http_status']}")
    if entry.get("retryable"):
        lines.append("    retryable = True")
    for field in entry.get("fields", []):
        lines += python_field(field["name"], field, field["name"])
        if "alias" in field:
            lines += python_field(field["alias"], field, field["name"])
    return "\n".join([*lines, ""])


def python_field(name: str, field: dict[str, Any], key: str) -> list[str]:
    annotation, default = TYPES[field["type"]]
    default = field.get("default", default)
    body = [f'        value: {annotation} = self.fields.get("{key}", {default})']
    head = ["", "    @property", f"    def {name}(self) -> {annotation}:"]
    return [*head, f'        """{field["doc"]}"""', *body, "        return value"]


def docstring(meaning: str, todo: str | None) -> list[str]:
    first, _, rest = meaning.partition(". ")
    first = first.rstrip(".") + "."
    more = [text for text in (rest, todo) if text]
    if len(first) > 78:
        raise SystemExit(f"errors.toml: shorten the first sentence of {meaning!r}")
    if not more:
        return [f'    """{first}"""']
    lines = [f'    """{first}']
    for text in more:
        lines += ["", *wrap(text, 86, "    ")]
    return [*lines, '    """']


def wrap(text: str, width: int, indent: str) -> list[str]:
    lines, line = [], indent
    for word in text.split():
        if len(line) + 1 + len(word) > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return [*lines, line.rstrip()]


# --- Pages


def pages(table: dict[str, Any]) -> dict[str, str]:
    files: dict[str, str] = {}
    rows = []
    for entry in table["error"]:
        files[f"{PAGES}/{entry['code']}.md"] = page(entry)
        again = "yes" if entry["retryable"] else "no"
        first = entry["meaning"].split(". ")[0].rstrip(".").replace("|", "\\|")
        link = f"[`{entry['code']}`]({entry['code']}.md)"
        rows.append(f"| {link} | {entry['http_status']} | {again} | {first} |")
    attempts = []
    for entry in table["attempt"]:
        files[f"{PAGES}/{entry['code']}.md"] = attempt_page(entry)
        link = f"[`{entry['code']}`]({entry['code']}.md)"
        attempts.append(f"| {link} | {entry['meaning'].split('. ')[0].rstrip('.')} |")
    files[f"{PAGES}/README.md"] = README % {
        "rows": "\n".join(rows),
        "attempts": "\n".join(attempts),
        "groups": "\n".join(
            f"* `{e['name']}` ({', '.join(e['bases'])}): {e['meaning']}" for e in table["class"]
        ),
    }
    return files


README = """\
<!-- Generated from spec/errors.toml by spec/generate.py: do not edit. -->
# Errors

One code, one class in each language, one HTTP status. Compare codes or classes, never the text.
*Again* says whether the same call may succeed later without any change.

| code | HTTP | again | meaning |
| --- | --- | --- | --- |
%(rows)s

Classes that group others:

%(groups)s

Codes that only a failed attempt's record carries:

| code | meaning |
| --- | --- |
%(attempts)s
"""


def page(entry: dict[str, Any]) -> str:
    code, again = entry["code"], "yes" if entry["retryable"] else "no"
    lines = [
        "<!-- Generated from spec/errors.toml by spec/generate.py: do not edit. -->",
        f"# `{code}`",
        "",
        entry["meaning"],
        "",
        f"**What to do.** {entry['todo']}",
        "",
        f"* HTTP status: {entry['http_status']}",
        f"* May succeed if tried again unchanged: {again}",
        f"* Rust: `Error::{entry['rust']}`",
        f"* Python: `windlass.{entry['class']}`, also caught as "
        + ", ".join(f"`{base}`" for base in entry["bases"]),
        f"* Node: `{entry['class']}`, its fields in camelCase",
    ]
    if entry["fields"]:
        lines += ["", "| field | type | meaning |", "| --- | --- | --- |"]
        for field in entry["fields"]:
            name = f"`{field['name']}`"
            if "alias" in field:
                name += f" (Python and Node also `{field['alias']}`)"
            lines.append(f"| {name} | {field['type'].replace('_', ' ')} | {field['doc']} |")
    else:
        lines += ["", "It has no fields."]
    return "\n".join([*lines, ""])


def attempt_page(entry: dict[str, Any]) -> str:
    again = "yes, while retries are left" if entry["retryable"] else "no"
    return f"""\
<!-- Generated from spec/errors.toml by spec/generate.py: do not edit. -->
# `{entry["code"]}`

{entry["meaning"]}

**What to do.** {entry["todo"]}

* Stands in the `error` of a task and of its updates; no call is refused with it.
* The task is retried: {again}
"""


# --- Index of the vectors


def index() -> str:
    """Case counts by file, expected failures by runner, and a digest that results carry.

    A file that is broken or empty, or has a case without an id or a law, stops here.
    """
    counts: dict[str, Any] = {}
    digest = hashlib.sha256()
    folder = SPEC / "vectors"
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        if name == "index.json":
            continue
        try:
            file = json.loads(path.read_text("utf-8"))
            digest.update(name.encode() + path.read_bytes())
            cases = file["cases"]
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"spec/vectors/{name} is no vector file: {error!r}") from None
        if not cases:
            raise SystemExit(f"spec/vectors/{name} has no cases")
        ids = [case.get("id", "") for case in cases]
        if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z0-9/-]+", i) for i in ids):
            raise SystemExit(f"spec/vectors/{name}: every case needs an id of its own, a-z0-9/-")
        if file.get("level") not in ("client", "core"):
            raise SystemExit(f"spec/vectors/{name}: level is client or core")
        laws: dict[str, int] = {}
        for case in cases:
            law = str(case.get("law", file.get("law")))
            if not law.isdigit():
                raise SystemExit(f"spec/vectors/{name}: {case['id']} has no law")
            laws[law] = laws.get(law, 0) + 1
        counts[name] = {"cases": len(cases), "laws": laws, "level": file["level"]}
        if "stores" in file:
            counts[name]["stores"] = file["stores"]
    listed = load("expected-failures.toml")
    failures: dict[str, list[str]] = {}
    for row in listed.get("failure", []):
        if not {"id", "runner", "reason"} <= set(row):
            raise SystemExit(f"expected-failures.toml: {row} needs id, runner and reason")
        failures.setdefault(row["runner"], []).append(row["id"])
    index = {"digest": digest.hexdigest(), "expected_failures": failures, "files": counts}
    return json.dumps(index, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
