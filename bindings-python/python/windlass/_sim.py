"""The decorator that runs a test once for each seed."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, overload

from windlass.options import invalid

if TYPE_CHECKING:
    from windlass.app import App

#: Runs one seed, or all of them.
Test = Callable[..., Any]

DEFAULT_SEEDS = 100


@overload
def sim(fn: Test, /) -> Test: ...
@overload
def sim(
    fn: None = None,
    /,
    *,
    seeds: int | None = None,
    seed: int | None = None,
    app: App | None = None,
    concurrency: int | None = None,
    patience: float = 30.0,
) -> Callable[[Test], Test]: ...


def sim(
    fn: Test | None = None,
    /,
    *,
    seeds: int | None = None,
    seed: int | None = None,
    app: App | None = None,
    concurrency: int | None = None,
    patience: float = 30.0,
) -> Any:
    """Runs a test once for each seed, under crashes, duplicate deliveries, delays and clock jumps.

    The test, `def` or `async def`, has a parameter `sim`: a `windlass.testing.Sim`. It submits
    tasks, calls `sim.run()` (`await sim.arun()`), and checks what must hold whatever happened.
    `seeds` is how many seeds there are, from 1 on (100; `WINDLASS_SIM_SEEDS` goes first); `seed`
    runs one alone, and so does `WINDLASS_SIM_SEED`, which goes first of all. `app` is taken over,
    as by `windlass.testing.use`. `concurrency` is how many tasks each process runs at once, drawn
    from 1 to 4 unless given; `patience` how many seconds of real time one seed may take.

    The error of a failing seed is raised as it is; the seed, its timeline and how to replay it are
    written to standard error. The same seed gives the same run.

    Raises `InvalidArgumentError`, and `TypeError` for a test without the parameter `sim`.
    """
    if seeds is not None and (type(seeds) is not int or seeds < 1):
        raise invalid("seeds", f"must be a whole number from 1, not {seeds!r}")
    if seed is not None and (type(seed) is not int or seed < 0):
        raise invalid("seed", f"must be a whole number from 0, not {seed!r}")

    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise invalid("concurrency", f"must be a whole number from 1, not {concurrency!r}")

    def decorate(fn: Test) -> Test:
        signature = inspect.signature(fn)
        if "sim" not in signature.parameters:
            raise TypeError(f"{fn.__qualname__} needs a parameter called sim")

        @functools.wraps(fn)
        def run(*args: Any, **kwargs: Any) -> None:
            from windlass import _simulation

            for one in _seeds(seed, seeds):
                options = {"app": app, "concurrency": concurrency, "patience": patience}
                _simulation.play(one, fn, args, kwargs, options, _replay(fn, one))

        # What remains are fixtures.
        rest = [p for p in signature.parameters.values() if p.name != "sim"]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=rest, return_annotation=None
        )
        # pytest looks at the marks and the module of the function, never at its body.
        del run.__wrapped__
        return run

    return decorate if fn is None else decorate(fn)


def _seeds(seed: int | None, seeds: int | None) -> Iterable[int]:
    given = _number("WINDLASS_SIM_SEED", 0)
    if given is not None:
        return [given]
    if seed is not None:
        return [seed]
    return range(1, 1 + (_number("WINDLASS_SIM_SEEDS", 1) or seeds or DEFAULT_SEEDS))


def _number(name: str, least: int) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise invalid(name, f"must be a whole number from {least}, not {text!r}")
    return int(text)


def _replay(fn: Test, seed: int) -> str:
    """How to run one seed again."""
    current = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    test = current or f"{inspect.getsourcefile(fn) or fn.__module__}::{fn.__qualname__}"
    quoted = f'"{test}"' if sys.platform == "win32" else f"'{test}'"
    return f"WINDLASS_SIM_SEED={seed} pytest {quoted}   (or @windlass.sim(seed={seed}))"
