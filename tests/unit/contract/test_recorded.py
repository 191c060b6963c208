"""Recordings on disk: folders of their own, and bodies masked whole although they come in pieces."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.recorded import BODIES, EDGE, INLINE, PIECE, Bodies, load, new_folder
from imageproof.contract.redact import Redactor

KEY = "sk-canary-0123456789"
REDACTOR = Redactor(KEY)
NOISE = random.Random(1).randbytes(3 * PIECE)


def kept(folder: Path, data: bytes, step: int) -> bytes:
    """A body that comes in pieces of so many bytes, read back."""
    incoming = Bodies(folder, REDACTOR.clean).incoming()
    for start in range(0, len(data), step):
        incoming.feed(data[start : start + step])
        if incoming.due:
            incoming.write()
    return load(folder, incoming.end())


@pytest.mark.parametrize("at", [0, PIECE - EDGE - 5, PIECE - 5, PIECE, PIECE + EDGE - 5, 2 * PIECE - EDGE - 10])
def test_a_key_is_masked_wherever_a_body_is_cut(at: int, tmp_path: Path) -> None:
    data = NOISE[:at] + KEY.encode() + NOISE[at:]
    found = kept(tmp_path, data, 1000)
    assert found == REDACTOR.clean(data)
    assert found[at : at + len(KEY)] == b"*" * len(KEY)


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, PIECE - 1, PIECE, PIECE + 1, len(NOISE)])
def test_bytes_come_back_as_they_were(size: int, tmp_path: Path) -> None:
    for data in (NOISE[:size], b"x" * size):
        assert kept(tmp_path, data, 4096) == data
    for file in (tmp_path / BODIES).glob("*") if size > INLINE else ():
        assert hashlib.sha256(load(tmp_path, {"sha256": file.stem, "bytes": size})).hexdigest() == file.stem


def test_pieces_and_a_whole_are_the_same_file(tmp_path: Path) -> None:
    kept(tmp_path, NOISE, 5000)
    Bodies(tmp_path, REDACTOR.clean).keep(NOISE)
    assert len(list((tmp_path / BODIES).iterdir())) == 1


def test_a_dropped_body_leaves_nothing(tmp_path: Path) -> None:
    incoming = Bodies(tmp_path, REDACTOR.clean).incoming()
    incoming.feed(NOISE)
    incoming.write()
    assert len(list((tmp_path / BODIES).iterdir())) == 1
    incoming.drop()
    assert list((tmp_path / BODIES).iterdir()) == []


def test_each_recording_has_a_folder_of_its_own(tmp_path: Path) -> None:
    made = [new_folder(tmp_path / "new", 0.0, "Some Host:1") for _ in range(3)]
    assert [one.name for one in made] == [f"19700101T000000Z-some-host-1{end}" for end in ("", "-2", "-3")]


def test_a_body_that_is_not_what_its_name_says_is_not_given(tmp_path: Path) -> None:
    place = Bodies(tmp_path, bytes).keep(NOISE)
    other = Bodies(tmp_path, bytes).keep(NOISE[1:])
    files = {name: tmp_path / BODIES / f"{name}.gz" for name in (place["sha256"], other["sha256"])}
    files[place["sha256"]].write_bytes(files[other["sha256"]].read_bytes())
    with pytest.raises(ValueError, match="was changed"):
        load(tmp_path, place)
    files[place["sha256"]].write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path, place)
    files[place["sha256"]].unlink()
    with pytest.raises(ValueError, match="is missing"):
        load(tmp_path, place)


@pytest.mark.parametrize(
    "place", [{}, {"text": 1}, {"sha256": "../x", "bytes": 1}, {"sha256": "a" * 64}, {"sha256": "a" * 64, "bytes": -1}]
)
def test_a_place_that_is_none_is_refused(place: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither text nor a file"):
        load(tmp_path, place)
