"""Refuses a source file over 600 lines without a reason in `scripts/large-files.txt`.

Generated files say so in line one; they are not read as sources and not measured.
Closes with `N passed, N failed`, one case per file; tells the median, which should be near 150.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "scripts" / "large-files.txt"
MOST = 600
SOURCES = ["*.rs", "*.py", "*.pyi", "*.ts", "*.tsx", "*.sh", "*.sql"]


def allowed() -> dict[str, str]:
    """Path to reason, from lines `path: reason`."""
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return {path: reason.strip() for path, _, reason in (line.partition(":") for line in lines)}


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *SOURCES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    texts = {name: (ROOT / name).read_text() for name in listed if name and (ROOT / name).is_file()}
    sizes = {
        name: len(text.splitlines())
        for name, text in texts.items()
        if "Generated" not in text.partition("\n")[0]
    }
    large = {name for name, size in sizes.items() if size > MOST}
    reasons = allowed()
    problems = [
        f"{name}: {sizes[name]} lines, over {MOST}: look for the second noun"
        for name in sorted(large - set(reasons))
    ]
    problems += [
        f"{name}: listed in {LIST.name} without a reason" for name in reasons if not reasons[name]
    ]
    problems += [
        f"{name}: listed in {LIST.name}, but not over {MOST} lines"
        for name in reasons
        if name not in large
    ]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"note: {len(sizes)} files, median {statistics.median(sizes.values()):.0f} lines")
    print(f"{len(sizes) - len(problems)} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
