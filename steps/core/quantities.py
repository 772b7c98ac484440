"""Numbers of bytes as people write them (``10 GB``, ``2 TiB``), and the cores and the peak memory at hand."""

from __future__ import annotations

import os
import re
import resource
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

# Units of 1000 and of 1024 bytes, from the smallest; `kB` has a small k, which no reader insists on.
UNITS = {
    "B": 1,
    "kB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
    "TB": 10**12,
    "TiB": 2**40,
    "PB": 10**15,
    "PiB": 2**50,
}
_BY_NAME = {unit.lower(): size for unit, size in UNITS.items()}
# Few enough digits for an exact product.
_WRITTEN = re.compile(r"\s*(-?[0-9]{1,30}(?:\.[0-9]{1,15})?)\s*([A-Za-z]*)\s*", re.ASCII)
HOW_TO_WRITE = "a number of bytes is needed, such as 10 GB or 2 TiB"


def available_cores() -> int:
    """Return the number of cores that this process may use; of all cores where the system does not say it (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_bytes(text: str) -> int:
    """Return the number of bytes that a text states; without a unit they are counted in bytes.

    Raises:
        ValueError: The text is in another form, or is no whole number of bytes.
    """
    found = _WRITTEN.fullmatch(text)
    size = _BY_NAME.get(found[2].lower() or "b") if found else None
    if found is None or size is None:
        raise ValueError(HOW_TO_WRITE)
    count = Decimal(found[1]) * size
    if count != int(count):
        raise ValueError(HOW_TO_WRITE)
    return int(count)


def format_bytes(count: int) -> str:
    """Return a number of bytes in the largest unit of which it is a whole number."""
    unit = next((unit for unit, size in reversed(UNITS.items()) if count and count % size == 0), "")
    return str(count) if unit in {"", "B"} else f"{count // UNITS[unit]} {unit}"


def reset_peak_rss() -> None:
    """Restart the measurement of this process's peak memory, if the kernel supports it.

    Source: ``/proc/pid/clear_refs`` in ``man 5 proc``.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_rss_bytes() -> int:
    """Return the peak resident memory of this process in bytes, including pages shared with its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
