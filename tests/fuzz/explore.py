"""Checks a property for drawn cases: a few fixed ones, or, when started by hand, new ones for a given time.

``COVERTYPE_FUZZ_SECONDS=3600 pytest tests/fuzz -k NAME`` explores for that long in each test. A fault is shrunk for a
while, and written to the folder ``COVERTYPE_FUZZ_FINDINGS`` with the files and the command line that reproduce it.
Later occurrences of it are ignored. At the end, the test fails with the list of faults.
"""

from __future__ import annotations

import collections
import os
import pickle
import random
import shlex
import time
import traceback
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.promises import Broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis import strategies as st

    from tests.fuzz.drawn_commands import Case

T = TypeVar("T", bound="Case")

SECONDS = "COVERTYPE_FUZZ_SECONDS"
FINDINGS = "COVERTYPE_FUZZ_FINDINGS"
_SHRINKING_SECONDS, _SHRINKING_CASES = 60.0, 300
_ALWAYS: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def explore(cases: st.SearchStrategy[T], check: Callable[[T], str], *, examples: int) -> collections.Counter[str]:
    """Check drawn cases and count the values that ``check`` returned; raise ``Broken`` at the first fault."""
    seconds = float(os.environ.get(SECONDS, "0"))
    if seconds:
        return _explore_long(cases, check, seconds)
    ends: collections.Counter[str] = collections.Counter()

    # Without shrinking, which takes minutes. The long exploration shrinks.
    @settings(**_ALWAYS, max_examples=examples, derandomize=True, phases=[Phase.generate])
    @given(cases)
    def fixed(case: T) -> None:
        ends[check(case)] += 1

    fixed()
    return ends


def _explore_long(cases: st.SearchStrategy[T], check: Callable[[T], str], seconds: float) -> collections.Counter[str]:
    end = time.monotonic() + seconds
    ends: collections.Counter[str] = collections.Counter()
    found: dict[str, Broken] = {}
    while time.monotonic() < end:
        hunt = _Hunt(check, set(found), ends, end)
        try:
            hunt.over(cases)
        except Broken as fault:
            for signature, (each, case) in {fault.signature: (fault, hunt.shown(fault)), **hunt.others}.items():
                found[signature] = each
                _write(each, case)
                print(f"found {signature}", flush=True)
    print(f"{sum(ends.values())} cases: {dict(ends)}")
    if found:
        raise AssertionError("\n".join(found))
    return ends


class _Hunt(Generic[T]):
    """One round of the long exploration, which ends at its first new fault."""

    def __init__(self, check: Callable[[T], str], known: set[str], ends: collections.Counter[str], end: float) -> None:
        self._check, self._known, self._ends, self._end = check, known, ends, end
        self._left = _SHRINKING_CASES
        # Faults that occurred while another one was shrunk.
        self.others: dict[str, tuple[Broken, T]] = {}
        self._faults: dict[bytes, Broken] = {}
        self._cases: dict[bytes, T] = {}

    def over(self, cases: st.SearchStrategy[T]) -> None:
        """Check new cases; raise ``Broken`` at the first new fault, with the smallest case that was found in time."""

        @seed(random.SystemRandom().getrandbits(64))
        @settings(**_ALWAYS, max_examples=200, report_multiple_bugs=False, print_blob=False)
        @given(cases)
        def once(case: T) -> None:
            self.look(case)

        once()

    def look(self, case: T) -> None:
        """Check a case. Known faults are ignored; other new faults too, when the time for shrinking is over."""
        key = pickle.dumps((case.words, case.encoding, case.files))
        if key in self._faults:
            raise self._faults[key]
        if time.monotonic() > self._end or self._left == 0:
            return
        self._left -= bool(self._faults)
        try:
            self._ends[self._checked(case)] += 1
        except Broken as fault:
            self._ends[fault.kind] += 1
            wanted = next(iter(self._faults.values())).signature if self._faults else fault.signature
            if fault.signature in self._known:
                return
            if fault.signature != wanted:
                self.others.setdefault(fault.signature, (fault, case))
                return
            if not self._faults:
                self._end = time.monotonic() + (0 if fault.kind == "hang" else _SHRINKING_SECONDS)
            self._faults[key], self._cases[key] = fault, case
            raise

    def _checked(self, case: T) -> str:
        """Check a case. An exception of the test itself is a fault like others."""
        try:
            return self._check(case)
        except Broken:
            raise
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            raise Broken(
                "test", f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}", str(error)
            ) from error

    def shown(self, fault: Broken) -> T:
        """Return the smallest case with a fault."""
        return next(self._cases[key] for key, known in self._faults.items() if known is fault)


def _write(fault: Broken, case: Case) -> None:
    """Store the files and the command line that reproduce a fault."""
    root = Path(os.environ.get(FINDINGS, ".fuzz"))
    folder = root / f"{fault.kind.replace(' ', '-')}-{zlib.crc32(fault.signature.encode()):08x}"
    for name, data in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "FAULT.txt").write_text(f"{shlex.join(case.words)}\n{case.encoding}\n\n{fault}\n{case!r}\n")
