"""Puts this clone's Python package into the environment whose interpreter runs this script.

The native module is copied from cargo's target directory (it is not built again), the package is
put on the path, and its console scripts and entry points are written as pip would write them. The
environment then imports the package straight from the clone, so an edited file needs no further
step.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "bindings-python"
SCRIPT = """\
#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


def write(path: Path, text: str) -> None:
    """Writes what differs only, so that nothing looks changed when nothing is."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main() -> int:
    place = [sys.executable, str(PROJECT / "place_native.py")]
    if code := subprocess.run(place, stdout=subprocess.DEVNULL, check=False).returncode:
        return code
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]

    site = Path(sysconfig.get_path("purelib"))
    write(site / "windlass-clone.pth", f"{PROJECT / 'python'}\n")
    info = site / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir(exist_ok=True)
    write(
        info / "METADATA",
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
    )
    write(info / "INSTALLER", "clone\n")
    groups = project.get("entry-points", {}).items()
    lines = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in of.items()) for group, of in groups
    ]
    write(info / "entry_points.txt", "\n".join(lines))

    for name, target in project.get("scripts", {}).items():
        module, function = target.split(":")
        script = Path(sysconfig.get_path("scripts")) / name
        write(script, SCRIPT.format(python=sys.executable, module=module, function=function))
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    # The same check a user's first line makes: the module loads in this interpreter.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    load = [sys.executable, "-c", "import windlass"]
    return subprocess.run(load, check=False, env=environment, cwd="/").returncode


if __name__ == "__main__":
    sys.exit(main())
