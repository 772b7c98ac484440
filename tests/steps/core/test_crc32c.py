from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from steps.core import crc32c

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_check_value_of_the_standard(tmp_path: Path) -> None:
    # RFC 3720 and the CRC catalogue: CRC-32C of "123456789" is 0xE3069283, big-endian here as in Cloud Storage.
    (tmp_path / "file").write_bytes(b"123456789")
    assert crc32c.crc32c_file(tmp_path / "file") == "4waSgw=="


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert crc32c.crc32c_file(tmp_path / "file") == "AAAAAA=="


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_how_a_stream_is_cut_does_not_matter(chunks: list[bytes]) -> None:
    whole, cut = crc32c.Crc32c(), crc32c.Crc32c()
    whole.update(b"".join(chunks))
    for chunk in chunks:
        cut.update(chunk)
    assert cut.base64 == whole.base64


def test_a_file_larger_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"123456789")
    monkeypatch.setattr(crc32c, "_CHUNK_BYTES", 4)
    assert crc32c.crc32c_file(tmp_path / "file") == "4waSgw=="
