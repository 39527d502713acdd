"""Refuses SQL and HTTP among the dependencies of core, on every target and with every feature.

Asks cargo for the whole tree. Closes with `N passed, N failed`, one case per package of the tree.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TREE = "cargo tree --locked -p windlass-core --all-features --target all"
REFUSED = re.compile(
    r"^(.*sql.*|diesel.*|postgres.*|redis.*|sled|heed|http.*|hyper.*|h2|reqwest|ureq|curl.*"
    r"|axum.*|actix.*|warp|tonic|tower.*|rustls.*|openssl.*|native-tls)$"
)


def main() -> int:
    tree = subprocess.run(
        [*TREE.split(), *"-e normal,build --prefix none --format {p}".split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if tree.returncode != 0:
        print(tree.stderr)
        print("0 passed, 1 failed")
        return 1
    packages = sorted({line.split()[0] for line in tree.stdout.splitlines() if line.strip()})
    refused = [name for name in packages if REFUSED.match(name)]
    for name in refused:
        print(f"core depends on {name}: {TREE} -i {name}")
    print(f"{len(packages) - len(refused)} passed, {len(refused)} failed")
    return 1 if refused or "windlass-core" not in packages else 0


if __name__ == "__main__":
    sys.exit(main())
