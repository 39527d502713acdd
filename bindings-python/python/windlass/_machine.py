"""What this process has to work with: cores and memory, as its container allows."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Physical cores that this process may use, at least 1.

    Threads of one core count once; a container's share of the time counts as so many cores,
    rounded up.
    """
    usable = _affinity()
    found = len(usable) if usable else os.cpu_count() or 1
    physical = _physical(usable)
    if physical:
        found = min(found, physical)
    share = _share()
    if share is not None:
        found = min(found, math.ceil(share))
    return max(1, found)


def memory_bytes() -> int:
    """Memory of the machine or of the container, whichever is less; at least 1."""
    limits = [limit for limit in (_installed(), _limit()) if limit]
    return min(limits, default=1)


def resident_bytes() -> int | None:
    """Memory that this process holds now; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None


def _affinity() -> set[int]:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.sched_getaffinity(0)
    return set()


def _physical(usable: set[int]) -> int | None:
    if sys.platform == "linux":
        return len(set(_siblings(usable))) or None
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, AttributeError):
            count, size = ctypes.c_int(0), ctypes.c_size_t(4)
            libc = ctypes.CDLL(None)
            told = libc.sysctlbyname(
                b"hw.physicalcpu", ctypes.byref(count), ctypes.byref(size), None, 0
            )
            return count.value if told == 0 and count.value > 0 else None
    return None


def _siblings(usable: Iterable[int]) -> Iterable[str]:
    """For each processor the threads of its core: the same text for all of them."""
    for cpu in usable:
        for name in ("core_cpus_list", "thread_siblings_list"):
            with contextlib.suppress(OSError):
                yield (CPUS / f"cpu{cpu}" / "topology" / name).read_text()
                break


def _groups() -> list[Path]:
    """The folders of this process's control group, from the innermost to the root."""
    inner = ""
    with contextlib.suppress(OSError):
        found = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.M)
        inner = found[1] if found else ""
    folder = CGROUP / inner
    if CGROUP not in (folder, *folder.parents):
        return [CGROUP]
    return [folder, *(each for each in folder.parents if CGROUP in (each, *each.parents))]


def _least(read: Callable[[Path], float | None]) -> float | None:
    found = []
    for folder in _groups():
        with contextlib.suppress(OSError, ValueError, IndexError):
            limit = read(folder)
            if limit is not None and limit > 0:
                found.append(limit)
    return min(found, default=None)


def _share() -> float | None:
    """Processors' worth of time that the control group gives."""

    def read(folder: Path) -> float | None:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)

    def read_first_version(folder: Path) -> float | None:
        quota = int((folder / "cpu" / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu" / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None

    return _least(read) or _least(read_first_version)


def _limit() -> int | None:
    """Bytes that the control group allows."""

    def read(folder: Path) -> float | None:
        text = (folder / "memory.max").read_text().strip()
        return None if text == "max" else int(text)

    def read_first_version(folder: Path) -> float | None:
        return int((folder / "memory" / "memory.limit_in_bytes").read_text())

    found = _least(read) or _least(read_first_version)
    return None if found is None else int(found)


def _installed() -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        if pages > 0 and size > 0:
            return pages * size
    if sys.platform == "win32":
        return _installed_on_windows()
    return None


def _installed_on_windows() -> int | None:
    if sys.platform != "win32":
        return None

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            *((f"other{n}", ctypes.c_ulonglong) for n in range(6)),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.total)
