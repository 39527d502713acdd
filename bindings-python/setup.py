"""Packages the native module that cargo built: a wheel for every CPython from 3.10 on."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class Prebuilt(Distribution):
    """A distribution with a native module that setuptools does not compile."""

    def has_ext_modules(self) -> bool:
        return True


class PlaceNative(build_py):
    """Sees to it that the module is in its place before the package is copied."""

    def run(self) -> None:
        spec = importlib.util.spec_from_file_location("place_native", HERE / "place_native.py")
        assert spec and spec.loader
        place_native = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(place_native)
        if not (place_native.PACKAGE / place_native.PLACED).is_file():
            place_native.newest()
        super().run()


class StableWheel(bdist_wheel):
    """Tags the wheel for the stable ABI."""

    def finalize_options(self) -> None:
        self.py_limited_api = "cp310"
        super().finalize_options()


setup(
    distclass=Prebuilt,
    cmdclass={"build_py": PlaceNative, "bdist_wheel": StableWheel},
)
