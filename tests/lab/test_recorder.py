"""A sample file gives back what was written, or the valid part of it with a word about the rest."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.recorder import MAGIC, SAMPLE, Recorder, Told, frame, read_samples

rows = st.lists(
    st.tuples(
        *[st.integers(0, 65535)] * 2, st.integers(0, 2**32 - 1), st.integers(0, 599), st.integers(0, 10),
        st.integers(0, 1), st.integers(0, 2**32 - 1), *[st.integers(0, 2**63 - 1)] * 3,
        st.integers(0, 5),
    ),
    max_size=40,
)  # fmt: skip


def written(path: Path, samples: Sequence[tuple[int, ...]]) -> Path:
    """A sample file with frames of seven."""
    path.unlink(missing_ok=True)
    recorder = Recorder(path, every=7)
    for sample in samples:
        recorder.add(sample)
    recorder.close()
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=rows)
def test_what_is_written_is_read(tmp_path: Path, samples: list[tuple[int, ...]]) -> None:
    """Any samples come back in order, bit by bit."""
    read, damage = read_samples(written(tmp_path / "s", samples))
    assert read.tolist() == samples
    assert damage == ""


def test_every_truncation_gives_a_prefix(tmp_path: Path) -> None:
    """Cut at any byte, the file gives whole frames from its beginning, and says that something is missing."""
    samples = [(i, 0, i, 200, 0, 0, 10, i, i, i + 5, i % 5) for i in range(20)]
    path = written(tmp_path / "s", samples)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        read, damage = read_samples(path)
        assert read.tolist() == samples[: len(read)]
        frame_ends = {len(MAGIC), *(len(MAGIC) + n * (8 + 7 * SAMPLE.itemsize) for n in (1, 2))}
        assert bool(damage) == (size not in frame_ends)


@pytest.mark.parametrize("at", [0, len(MAGIC) + 5, len(MAGIC) + 20, 400])
def test_a_flipped_bit_is_never_read_as_a_sample(tmp_path: Path, at: int) -> None:
    """A frame whose checksum fails ends what is read."""
    samples = [(i, 0, i, 200, 0, 0, 10, i, i, i + 5, i % 5) for i in range(20)]
    path = written(tmp_path / "s", samples)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    read, damage = read_samples(path)
    assert read.tolist() == samples[: len(read)]
    assert len(read) < len(samples)
    assert damage


def test_frames_are_on_disk_before_the_end(tmp_path: Path) -> None:
    """What was flushed is read while the recorder is still open, as after a kill."""
    recorder = Recorder(tmp_path / "s")
    recorder.add((1, 0, 0, 200, 0, 0, 5, 1, 1, 2, 0))
    recorder.flush()
    assert len(read_samples(tmp_path / "s")[0]) == 1
    recorder.close()


def test_an_empty_file_is_no_sample_file(tmp_path: Path) -> None:
    """A file of another kind gives no rows and one line that says so."""
    (tmp_path / "s").write_bytes(b"")
    read, damage = read_samples(tmp_path / "s")
    assert read.dtype == SAMPLE
    assert len(read) == 0
    assert damage == "s is not a sample file of version 3"
    assert np.dtype(SAMPLE).itemsize == 41


def test_files_of_the_version_before_are_read(tmp_path: Path) -> None:
    """They lack the last column: nothing was told of a cache then, and all else is as it was written."""
    rows = np.array([(i, 1, i, 200, 0, 0, 10, i, i, i + 5, Told.HIT) for i in range(20)], dtype=SAMPLE)
    whole = frame(rows)
    payload = whole[8:-20]
    before = struct.pack("<II", len(rows), zlib.crc32(payload)) + payload
    (tmp_path / "s").write_bytes(MAGIC[:-1] + b"\x02" + before)
    read, damage = read_samples(tmp_path / "s")
    assert damage == ""
    assert read["cache"].tolist() == [Told.NOTHING] * 20
    names = list(SAMPLE.names or ())[:-1]
    assert read[names].tolist() == rows[names].tolist()
