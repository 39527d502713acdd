"""TypeScript that is written from `spec/`: classes of errors, records and the words in them."""

from __future__ import annotations

import json
import re
from typing import Any

ERRORS = "bindings-node/ts/generated/errors.ts"
WORDS = "bindings-node/ts/generated/words.ts"

# Of several bases the one that is extended: JavaScript has one. `instanceof` knows all of them.
_LINE = ("TaskTimeoutError", "RateLimitError", "APIError", "ExecutionError", "SecurityError")
_VALUES = {
    "string": ("string", '""'),
    "integer": ("number", "0"),
    "seconds": ("number", "0"),
    "status": ("TaskState", '"pending"'),
    "task_error": ("Failure | null", "null"),
}
# `name` is the class's on every error of JavaScript.
_RENAMED = {("circuit_breaker_open", "name"): "breaker"}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def comment(text: str, indent: str = "") -> str:
    return f"{indent}/** {text} */"


# --- Errors


ERRORS_HEAD = """\
// Generated from spec/errors.toml by spec/generate.py: do not edit.
/**
 * Every error that Windlass throws: one class for one stable code.
 *
 * Catch by class, or compare `code`; never read the message text.
 */

import { type Failure, type TaskState, readFailure } from "./words.js";

// The codes of the classes that an error is one of. Every copy of this file has the same symbol, so
// that `instanceof` holds between the ESM and the CJS build.
const KINDS = Symbol.for("windlass.error.kinds");

/** What an error is made of beside its text. */
export interface ErrorInit {
  /** Stable code; the class's own when it is left out. */
  code?: string;
  /** The error's values by their wire names. */
  fields?: Record<string, unknown>;
  /** What led to it. */
  cause?: unknown;
}

/** %(meaning)s */
export class WindlassError extends Error {
  // Of each class by itself: a bundler may call the class something else.
  static override readonly name: string = "WindlassError";
  static readonly code: string = "%(code)s";
  static readonly httpStatus: number = 500;
  static readonly retryable: boolean = false;
  /** Codes of the groups that the class belongs to beside those it extends. */
  static readonly groups: readonly string[] = [];

  /** Stable code, the same in every language and on the wire. */
  readonly code: string;
  /** The error's values by their wire names. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(message = "", init: ErrorInit = {}) {
    super(message, "cause" in init ? { cause: init.cause } : undefined);
    const kind = new.target;
    this.code = init.code ?? kind.code;
    this.fields = { ...init.fields };
    Object.defineProperty(this, "name", { value: kind.name, configurable: true, writable: true });
    Object.defineProperty(this, KINDS, { value: kindsOf(kind) });
  }

  /** The HTTP status that carries this error. */
  get httpStatus(): number {
    return (this.constructor as typeof WindlassError).httpStatus;
  }

  /** Whether the same call may succeed later without any change by the caller. */
  get retryable(): boolean {
    return (this.constructor as typeof WindlassError).retryable;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that somebody derived is none of ours: its own instances only.
    if (!isOurs(this)) return Function.prototype[Symbol.hasInstance].call(this, value);
    const kinds = (value as { [KINDS]?: readonly string[] } | null | undefined)?.[KINDS];
    return kinds !== undefined && kinds.includes(this.code);
  }
}

function isOurs(kind: typeof WindlassError): boolean {
  return Object.hasOwn(CLASSES, kind.code) && CLASSES[kind.code] === kind;
}

function kindsOf(kind: typeof WindlassError): readonly string[] {
  const codes: string[] = [];
  for (let at = kind; at.code !== undefined; at = Object.getPrototypeOf(at)) {
    if (isOurs(at)) codes.push(at.code, ...at.groups);
  }
  return codes;
}
"""

ERRORS_TAIL = """
const CLASSES: Readonly<Record<string, typeof WindlassError>> = {
%(table)s
};

/** The error with this code; an unknown one gives a plain `WindlassError`. */
export function fromCode(
  code: string,
  message = "",
  fields: Record<string, unknown> = {},
  cause?: unknown,
): WindlassError {
  const kind = Object.hasOwn(CLASSES, code) ? CLASSES[code]! : WindlassError;
  return new kind(message, cause === undefined ? { code, fields } : { code, fields, cause });
}
"""


def errors(table: dict[str, Any]) -> str:
    entries = [*table["class"], *table["error"]]
    bases = {e.get("class", e.get("name")): e["bases"] for e in entries}
    seen: dict[str, set[str]] = {"WindlassError": set()}
    codes = {e.get("class", e.get("name")): e["code"] for e in entries}
    # A parent comes before the class that extends it.
    parts = [ERRORS_HEAD % table["class"][0]]
    done = {"WindlassError"}
    left = [entry for entry in entries if entry.get("name") != "WindlassError"]
    while left:
        for entry in left:
            name = entry.get("class", entry.get("name"))
            ours = [base for base in entry["bases"] if base in bases]
            parent = next((base for base in _LINE if base in ours), ours[0])
            if parent in done:
                others = [codes[base] for base in groups(ours, parent, bases)]
                parts.append(error(name, entry, parent, others, seen[parent]))
                seen[name] = seen[parent] | getters(entry)
                done.add(name)
                left.remove(entry)
                break
        else:
            raise SystemExit(f"errors.toml: bases of {left} go in a circle")
    rows = [f"  {e['code']}: {e.get('class', e.get('name'))}," for e in entries]
    parts.append(ERRORS_TAIL % {"table": "\n".join(rows)})
    return "\n".join(parts)


def groups(ours: list[str], parent: str, bases: dict[str, list[str]]) -> list[str]:
    """The other bases and what they extend."""
    found: list[str] = []
    wanted = [base for base in ours if base != parent]
    while wanted:
        name = wanted.pop(0)
        if name in bases and name not in found:
            found.append(name)
            wanted += bases[name]
    return [name for name in found if name != "WindlassError"]


def getters(entry: dict[str, Any]) -> set[str]:
    """What an error's fields are called."""
    fields = entry.get("fields", [])
    own = {camel(_RENAMED.get((entry["code"], f["name"]), f["name"])) for f in fields}
    return own | {camel(f["alias"]) for f in fields if "alias" in f}


def error(
    name: str, entry: dict[str, Any], parent: str, others: list[str], inherited: set[str]
) -> str:
    lines = [comment(entry["meaning"])]
    if "todo" in entry:
        lines = ["/**", f" * {entry['meaning']}", " *", f" * {entry['todo']}", " */"]
    lines += [f"export class {name} extends {parent} {{"]
    lines += [f'  static override readonly name: string = "{name}";']
    lines += [f'  static override readonly code: string = "{entry["code"]}";']
    if "http_status" in entry:
        lines += [f"  static override readonly httpStatus: number = {entry['http_status']};"]
        again = "true" if entry["retryable"] else "false"
        lines += [f"  static override readonly retryable: boolean = {again};"]
    if others:
        listed = ", ".join(f'"{other}"' for other in others)
        lines += [f"  static override readonly groups: readonly string[] = [{listed}];"]
    for field in entry.get("fields", []):
        shown = camel(_RENAMED.get((entry["code"], field["name"]), field["name"]))
        lines += error_field(shown, field, shown in inherited)
        if "alias" in field:
            lines += error_field(camel(field["alias"]), field, camel(field["alias"]) in inherited)
    return "\n".join([*lines, "}", ""])


def error_field(shown: str, field: dict[str, Any], override: bool) -> list[str]:
    how = "override " if override else ""
    kind, default = _VALUES[field["type"]]
    default = str(field.get("default", default)).replace("self.http_status", "this.httpStatus")
    value = f"this.fields.{field['name']}"
    if field["type"] == "task_error":
        body = f"return {value} == null ? null : readFailure({value} as WireRecord);"
        body = body.replace("WireRecord", "Record<string, any>")
    else:
        body = f"return ({value} as {kind} | undefined) ?? {default};"
    return [
        "",
        comment(field["doc"], "  "),
        f"  {how}get {shown}(): {kind} {{",
        f"    {body}",
        "  }",
    ]


# --- Words


WORDS_HEAD = """\
// Generated from spec/words.toml by spec/generate.py: do not edit.
/**
 * The records that callers see, and the words in them.
 *
 * A reader makes a record of the wire into the one that is shown; payloads are never touched.
 * Instants are `Date`s, to the millisecond.
 */

/** A JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** A record as it stands on the wire. */
export type WireRecord = Record<string, any>;

/** Priority by number, lower first, or by name. */
export type Priority = 1 | 2 | 3 | 4 | 5 | PriorityName;

/** Tasks by status; zeros are left out. */
export type Counts = Partial<Record<TaskState, number>>;

function byKey<T>(
  records: Record<string, WireRecord>,
  read: (record: WireRecord) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(records).map(([key, record]) => [key, read(record)]));
}
"""


def words(table: dict[str, Any], statuses: dict[str, Any]) -> str:
    shown = {record["name"]: record.get("ts", record["name"]) for record in table["record"]}
    known = {word["name"] for word in table["word"]}
    check(table, statuses, shown, known)
    parts = [WORDS_HEAD]
    for word in table["word"]:
        constant = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word["name"]).upper()
        constant = constant + ("S" if not constant.endswith("Y") else "")
        values = ", ".join(f'"{value}"' for value in word["values"])
        parts.append(
            f"{comment('Every `' + word['name'] + '`.')}\n"
            f"export const {constant} = [{values}] as const;\n\n"
            f"{comment(word['meaning'])}\n"
            f"export type {word['name']} = (typeof {constant})[number];\n"
        )
    final = ", ".join(f'"{s["name"]}"' for s in statuses["status"] if s["final"])
    parts.append(
        f"{comment('Statuses of a task that has ended.')}\n"
        f"export const FINAL_STATES: readonly TaskState[] = [{final}];\n"
    )
    parts += [record(entry, shown) for entry in table["record"]]
    return "\n".join(parts)


def check(
    table: dict[str, Any], statuses: dict[str, Any], shown: dict[str, str], known: set[str]
) -> None:
    """Refuses a table that names what is not there."""
    plain = {"string", "integer", "number", "boolean", "instant", "json", "labels", "counts"}
    for entry in table["record"]:
        names = [field["name"] for field in entry["fields"]]
        if len(set(names)) != len(names):
            raise SystemExit(f"words.toml: {entry['name']} has a field twice")
        for field in entry["fields"]:
            if field["type"] not in plain | known | set(shown):
                raise SystemExit(f"words.toml: {entry['name']}.{field['name']}: no such type")
            if field.get("many", "list") not in ("list", "map"):
                raise SystemExit(f"words.toml: {entry['name']}.{field['name']}: many of what?")
    states = next(word["values"] for word in table["word"] if word["name"] == "TaskState")
    if states != [status["name"] for status in statuses["status"]]:
        raise SystemExit("words.toml: TaskState and statuses.toml differ")


def record(entry: dict[str, Any], shown: dict[str, str]) -> str:
    name = shown[entry["name"]]
    lines = [comment(entry["meaning"]), f"export interface {name} {{"]
    reads = []
    for field in entry["fields"]:
        key = field.get("ts", camel(field["name"]))
        lines += [comment(field["doc"], "  "), f"  {key}: {type_of(field, shown)};"]
        reads.append(f"    {key}: {read(field, shown)},")
    lines += ["}", "", comment(f"The {name} that a record of the wire tells.")]
    lines += [f"export function read{name}(r: WireRecord): {name} {{", "  return {", *reads]
    return "\n".join([*lines, "  };", "}", ""])


def type_of(field: dict[str, Any], shown: dict[str, str]) -> str:
    plain = {"string": "string", "instant": "Date", "integer": "number", "number": "number"}
    plain |= {"boolean": "boolean", "labels": "Record<string, string>", "counts": "Counts"}
    # What a payload is, its user knows.
    plain["json"] = "any"
    kind = field["type"]
    one = plain.get(kind, shown.get(kind, kind))
    many = {"list": f"{one}[]", "map": f"Record<string, {one}>"}.get(field.get("many", ""), one)
    return f"{many} | null" if field.get("null") and kind != "json" else many


def read(field: dict[str, Any], shown: dict[str, str]) -> str:
    """An expression for the field as it is shown, of the record `r`."""
    value, kind, many = f"r.{field['name']}", field["type"], field.get("many")
    if many == "map":
        return f"byKey({value} ?? {{}}, read{shown[kind]})"
    if many == "list" and kind in shown:
        return f"{value}.map(read{shown[kind]})"
    if kind in shown or kind == "instant":
        call = f"read{shown[kind]}(%s)" if kind in shown else "new Date(%s)"
        if field.get("null"):
            return f"{value} == null ? null : {call % value}"
        return call % (f"{value} ?? {{}}" if kind in shown else value)
    if "default" in field:
        return f"{value} ?? {json.dumps(field['default'])}"
    if field.get("null"):
        return f"{value} ?? null"
    return {"boolean": f"{value} ?? false", "labels": f"{value} ?? {{}}"}.get(kind, value)
