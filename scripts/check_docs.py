"""Runs the examples in the documents as a reader would, and refuses one that nobody runs.

Every fenced block of Python, JavaScript, TypeScript, Rust or shell has a mark in an HTML comment
right above it:

    <!-- file: NAME -->         the block is written to NAME in the document's own empty folder
    <!-- run -->                runs, in that folder, and must end with code 0; `run: checkout` runs
                                in the root of this repository
    <!-- start -->              runs in the background, as in a second terminal, until the document
                                ends; then it gets Ctrl-C and must end with code 0
    <!-- output -->             what the last run printed; `...` stands for anything
    <!-- same as: PATH -->      stands word for word in PATH of this repository
    <!-- not run: REASON -->    is shown only

A table under `<!-- places -->` says where something is: each backticked word of a row must stand in
the file that the row names first. Relative links must lead somewhere. Files and folders of this
repository that are named in backticks must exist.

Examples for Node import the package as its archives install it, not as it lies in the checkout.

Marks are joined by `;`. The blocks of one document run in order. Documents are given as arguments,
else all Markdown of the repository. Closes with `N passed, N failed`, one case per block and
one for the references of each document.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDS_MARK = {"python", "js", "ts", "rust", "sh", "bash", "console", "shell"}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ ]*$", re.S | re.M)
MARK = re.compile(r"<!--((?:(?!-->).)*)-->\s*\Z", re.S)
TABLE = re.compile(r"<!-- places -->\s*\n((?:\|[^\n]*\n?)+)")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
PATIENCE_SECONDS = 120


@dataclass
class Block:
    """One fenced block with its marks."""

    line: int
    language: str
    text: str
    marks: dict[str, str]


def blocks(text: str) -> list[Block]:
    """The blocks of a document that have a mark or need one."""
    found = []
    for fence in FENCE.finditer(text):
        mark = MARK.search(text[: fence.start()])
        marks = {}
        for part in mark[1].split(";") if mark else []:
            name, _, value = part.partition(":")
            marks[name.strip()] = value.strip()
        if marks.keys() & Runner.VERBS or fence[1] in NEEDS_MARK:
            found.append(Block(text.count("\n", 0, fence.start()) + 1, fence[1], fence[2], marks))
    return found


class BlockError(Exception):
    """What a block did that it should not."""


@functools.cache
def installed() -> Path:
    """`node_modules` of a folder where the package for Node was installed from its archives."""
    folder = Path(tempfile.mkdtemp(prefix="windlass-docs-node-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pack = ["node", str(ROOT / "bindings-node/build/package.mjs"), "--out", str(folder)]
    made = subprocess.run(pack, stdout=subprocess.PIPE, text=True, check=True)
    (folder / "package.json").write_text('{ "private": true }')
    install = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--silent"]
    subprocess.run([*install, *made.stdout.split()], cwd=folder, check=True)
    for name in ("fastify", "vitest", ".bin/vitest"):
        (folder / "node_modules" / name).symlink_to(ROOT / "bindings-node/node_modules" / name)
    return folder / "node_modules"


class Runner:
    """Runs the blocks of one document in a folder of its own."""

    VERBS = frozenset({"file", "run", "start", "output", "same as", "not run"})

    def __init__(self, folder: Path, given: list[Block]) -> None:
        self.folder = folder
        self.output = ""
        self.started: list[tuple[subprocess.Popen[bytes], Path, str]] = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("WINDLASS_")}
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # As if somebody had installed here what the examples for Node import.
        if any(block.language == "js" for block in given):
            (folder / "node_modules").symlink_to(installed())

    def block(self, block: Block) -> None:
        unknown = block.marks.keys() - self.VERBS
        if unknown or not block.marks:
            what = f"unknown mark {', '.join(unknown)}" if unknown else "no mark"
            raise BlockError(f"{what}: see scripts/check_docs.py")
        for verb, value in block.marks.items():
            match verb:
                case "file":
                    (self.folder / value).parent.mkdir(parents=True, exist_ok=True)
                    (self.folder / value).write_text(block.text)
                case "same as":
                    if block.text not in (ROOT / value).read_text():
                        raise BlockError(f"is not in {value} word for word")
                case "run":
                    self.run(block)
                case "start":
                    self.start(block)
                case "output":
                    self.compare(block.text)
                case "not run":
                    if not value:
                        raise BlockError("not run, without a reason")

    def command(self, block: Block) -> list[str]:
        if block.language == "python":
            return [sys.executable, "-c", block.text]
        if block.language == "js":
            return ["node", "--input-type=module", "--eval", block.text]
        lines = [line.removeprefix("$ ") for line in block.text.splitlines()]
        # The shell becomes its last command, so that a signal meets the program and not the shell.
        last = max(i for i, line in enumerate(lines) if line.strip() and not line.startswith("#"))
        if "start" in block.marks:
            lines[last] = f"exec {lines[last]}"
        return ["bash", "-euo", "pipefail", "-c", "\n".join(lines)]

    def run(self, block: Block) -> None:
        try:
            done = subprocess.run(
                self.command(block),
                cwd=ROOT if block.marks["run"] == "checkout" else self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as slow:
            raise BlockError(
                f"did not end within {PATIENCE_SECONDS} s\n{text(slow.stdout)}{text(slow.stderr)}"
            ) from None
        self.output = done.stdout
        if done.returncode != 0:
            raise BlockError(f"ended with code {done.returncode}\n{done.stdout}{done.stderr}")

    def start(self, block: Block) -> None:
        log = self.folder / f".log-{len(self.started)}"
        process = subprocess.Popen(
            self.command(block),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        self.started.append((process, log, block.text.strip()))

    def compare(self, wanted: str) -> None:
        pattern = re.escape(wanted.strip()).replace(re.escape("..."), ".*")
        if not re.fullmatch(pattern, self.output.strip(), re.S):
            raise BlockError(f"printed\n{self.output}instead")

    def stop(self) -> list[str]:
        """Ends what was started; what went wrong with it."""
        problems = []
        for process, log, command in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                code: int | str = process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = "none within 40 s of Ctrl-C"
            if code != 0:
                problems.append(
                    f"{command}: ended with code {code}\n{log.read_text(errors='replace')}"
                )
        return problems


def text(output: str | bytes | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


def sources(pattern: str) -> list[str]:
    """Files of the repository that match, without what a build or an editor leaves."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def references(document: Path) -> list[str]:
    """The references of a document that lead nowhere."""
    content = FENCE.sub("", document.read_text())
    tops = {name.split("/")[0] for name in sources("*/*")}
    wrong = []
    for link in LINK.findall(content):
        if not (document.parent / link).exists():
            wrong.append(f"links to {link}, which is not there")
    for word in CODE.findall(content):
        is_path = "/" in word and word.split("/")[0] in tops and re.fullmatch(r"[\w./-]+", word)
        if is_path and not (ROOT / word).exists():
            wrong.append(f"names `{word}`, which is not there")
    for table in TABLE.findall(content):
        # The first two lines are the head.
        for row in table.splitlines()[2:]:
            place, *words = CODE.findall(row)
            source = (ROOT / place).read_text() if (ROOT / place).is_file() else ""
            wrong += [f"says that `{w}` stands in {place}" for w in words if w not in source]
    return wrong


def check(document: Path) -> tuple[int, int]:
    """Cases passed and failed of one document."""
    name = document.relative_to(ROOT)
    wrong = references(document)
    passed, failed = int(not wrong), len(wrong)
    for line in wrong:
        print(f"{name}: {line}")
    with tempfile.TemporaryDirectory(prefix="windlass-docs-", ignore_cleanup_errors=True) as folder:
        given = blocks(document.read_text())
        runner = Runner(Path(folder), given)
        try:
            for block in given:
                try:
                    runner.block(block)
                    passed += 1
                except (BlockError, OSError) as problem:
                    failed += 1
                    print(f"{name}:{block.line}: {problem}")
                    for _, log, command in runner.started:
                        print(f"--- {command}\n{log.read_text(errors='replace')}")
        finally:
            for problem_text in runner.stop():
                failed += 1
                print(f"{name}: {problem_text}")
    return passed, failed


def main() -> int:
    if sys.argv[1:]:
        documents = [Path(name).resolve() for name in sys.argv[1:]]
    else:
        documents = sorted({ROOT / name for name in sources("*.md")})
    passed = failed = 0
    for document in documents:
        good, bad = check(document)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
