"""Copies the native module that cargo built into the Python package.

    python place_native.py [--profile release] [--target-dir DIR]

Cargo is not called: `cargo build` comes first. The target directory is the argument, else
`CARGO_TARGET_DIR`, else `target` in the workspace. Prints where the module lies.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "python" / "windlass"

# What cargo calls a cdylib, and what Python imports, by platform.
NAMES = {
    "win32": ("windlass_python.dll", "_native.pyd"),
    "darwin": ("libwindlass_python.dylib", "_native.abi3.so"),
}
BUILT, PLACED = NAMES.get(sys.platform, ("libwindlass_python.so", "_native.abi3.so"))


def place(profile: str, target: Path) -> Path:
    """Copies the module of `profile` unless the same is there already."""
    built = target / ("debug" if profile == "dev" else profile) / BUILT
    if not built.is_file():
        flag = {"dev": "", "release": " --release"}.get(profile, f" --profile {profile}")
        raise SystemExit(
            f"{built} is missing; build it first: cargo build{flag} -p windlass-python"
        )
    placed = PACKAGE / PLACED
    seen, wanted = (path.stat() if path.exists() else None for path in (placed, built))
    if seen is None or (seen.st_size, seen.st_mtime_ns) != (wanted.st_size, wanted.st_mtime_ns):
        # A process may have the old one loaded: replace the file, do not write into it.
        fresh = placed.with_name(f"{PLACED}.{os.getpid()}")
        shutil.copy2(built, fresh)
        os.replace(fresh, placed)
    return placed


def target_dir() -> Path:
    """Where cargo builds unless told otherwise."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent / "target")


def newest() -> Path:
    """Copies the module of the profile that was built last."""
    builds = {
        profile: path.stat().st_mtime_ns
        for profile, folder in (("dev", "debug"), ("release", "release"), ("dist", "dist"))
        if (path := target_dir() / folder / BUILT).is_file()
    }
    return place(max(builds, key=builds.__getitem__, default="dev"), target_dir())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--profile", default=os.environ.get("WINDLASS_PROFILE", "dev"))
    parser.add_argument(
        "--target-dir",
        type=Path,
        default=target_dir(),
    )
    given = parser.parse_args()
    print(place(given.profile, given.target_dir))


if __name__ == "__main__":
    main()
