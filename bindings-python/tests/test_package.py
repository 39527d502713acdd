"""The package: its types, its stubs, its wheel."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest
import windlass
from windlass import _native

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def mypy(*args: str) -> tuple[int, str]:
    """Runs mypy with the package's own configuration."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--cache-dir", cache, *args],
            cwd=PROJECT.parent,
            capture_output=True,
            text=True,
            timeout=110,
        )
    return done.returncode, done.stdout + done.stderr


def test_the_api_is_typed_as_the_samples_say() -> None:
    samples = sorted(HERE.glob("typing_sample*.py"))
    wanted = {
        (sample.name, number): found[1]
        for sample in samples
        for number, text in enumerate(sample.read_text().splitlines(), 1)
        if (found := re.search(r"# wrong: ([a-z-]+)$", text))
    }
    config = ("--config-file", str(PROJECT / "pyproject.toml"), "--strict")
    _, out = mypy(*config, *map(str, samples))
    refused = {
        (found[1], int(found[2])): found[3]
        for found in re.finditer(r"(typing_sample\w*\.py):(\d+): error: .*\[([a-z-]+)\]", out)
    }
    assert refused == wanted, out
    assert len(wanted) > 15


def test_the_stubs_tell_what_the_native_module_has() -> None:
    """Every name, and every parameter of every method, both ways."""
    tree = ast.parse((PROJECT / "python/windlass/_native.pyi").read_text())
    stubs: dict[str, dict[str, list[str]]] = {"": {}}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            stubs[""][node.name] = _parameters(node)
        if isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            stubs[node.name] = {method.name: _parameters(method) for method in methods}
    built: dict[str, dict[str, list[str]]] = {"": {}}
    for name, value in vars(_native).items():
        if inspect.isclass(value):
            built[name] = {
                key: _signature(value if key == "__init__" else getattr(value, key))
                for key in {*vars(value), "__init__"}
                if key == "__init__" or not key.startswith("__")
            }
        elif callable(value) and not name.startswith("__"):
            built[""][name] = _signature(value)
    for kind in ("Compose", "Events", "Job", "Pass", "Updates"):
        # Made by native code only.
        built[kind].pop("__init__")
    assert built == stubs


def _parameters(node: ast.FunctionDef) -> list[str]:
    given = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [name for name in given if name != "self"]


def _signature(value: object) -> list[str]:
    if not callable(value):
        return []
    return [name for name in inspect.signature(value).parameters if name != "self"]


def test_every_public_name_has_a_docstring() -> None:
    for name in windlass.__all__:
        found = getattr(windlass, name)
        if inspect.isclass(found) or callable(found):
            assert found.__doc__, name
            for key, member in vars(found).items():
                if not key.startswith("_") and (callable(member) or isinstance(member, property)):
                    assert inspect.getdoc(getattr(found, key, member)), f"{name}.{key}"


def test_the_extras_that_the_documents_install_exist() -> None:
    # PKG-01, PKG-02, PKG-03
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert {"production", "async", "grpc", "progress"} <= set(project["optional-dependencies"])
    assert project["dependencies"] == []
    assert project["requires-python"] == ">=3.10"
    assert project["version"] == windlass.__version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, from the module that was built, without another compilation."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*build, "--wheel-dir", str(folder), str(_copy(folder / "project"))],
        check=True,
        timeout=100,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    [found] = folder.glob("*.whl")
    return found


def _copy(folder: Path) -> Path:
    """The project, so that building leaves nothing behind in it."""
    import shutil

    ignore = shutil.ignore_patterns("__pycache__", "tests", "src", "build", "*.egg-info")
    return Path(shutil.copytree(PROJECT, folder, ignore=ignore))


def test_the_wheel_is_for_every_python_from_3_10_on(wheel: Path) -> None:
    # PKG-03
    assert re.match(r"windlass-[\d.]+-cp310-abi3-", wheel.name)
    names = zipfile.ZipFile(wheel).namelist()
    assert {"windlass/py.typed", "windlass/_native.pyi", "windlass/errors.py"} <= set(names)
    assert sum(name.startswith("windlass/_native.") for name in names) == 2
    assert not [name for name in names if name.startswith("tests") or "conftest" in name]


def test_an_installed_wheel_has_the_console_script(wheel: Path, tmp_path: Path) -> None:
    # PKG-01, PKG-02
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    subprocess.run([*install, "--no-index", str(wheel)], check=True, timeout=100)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    out = subprocess.run(
        [python.parent / "windlass", "--version"],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
        cwd=tmp_path,
    )
    assert out.returncode == 0, out.stderr
    assert windlass.__version__ in out.stdout
