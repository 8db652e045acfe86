from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.web.entries import COMPRESSED_ABOVE, pack, unpack

STAMP, OTHER = b"s" * 16, b"o" * 16

payloads = st.one_of(
    st.binary(max_size=64),
    st.binary(min_size=1, max_size=8).map(lambda part: part * (2 * COMPRESSED_ABOVE // len(part))),
)


@given(payloads)
def test_an_entry_gives_its_payload_back(payload: bytes):
    """Whatever its size, under its own stamp, also where others count too; under others alone nothing."""
    entry = pack(payload, stamp=STAMP)
    assert unpack(entry, stamps=(STAMP,)) == unpack(entry, stamps=(OTHER, STAMP)) == payload
    assert unpack(entry, stamps=(OTHER,)) is None


@pytest.mark.parametrize("size", [COMPRESSED_ABOVE, COMPRESSED_ABOVE + 1, 10 * COMPRESSED_ABOVE])
def test_what_is_large_is_compressed(size: int):
    """Above the limit what repeats itself is stored in less than half; up to it nothing is changed."""
    entry = pack(b"0123456789abcdef" * (size // 16) + b"x" * (size % 16), stamp=STAMP)
    assert (len(entry) < size / 2) is (size > COMPRESSED_ABOVE)
    assert (len(entry) == len(STAMP) + 1 + size) is (size <= COMPRESSED_ABOVE)


def test_what_compresses_to_no_less_is_stored_as_it_is():
    """Noise stays what it is."""
    noise = Random(1).randbytes(3 * COMPRESSED_ABOVE)
    entry = pack(noise, stamp=STAMP)
    assert len(entry) == len(STAMP) + 1 + len(noise)
    assert unpack(entry, stamps=(STAMP,)) == noise


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_entry_is_a_miss(damage: str):
    """What cannot be unpacked is as though it were not there."""
    entry = pack(b"0123456789abcdef" * COMPRESSED_ABOVE, stamp=STAMP)
    broken = entry[:-8] if damage == "cut" else entry[:-40] + b"\xff" * 40
    assert unpack(broken, stamps=(STAMP,)) is None


def test_nothing_is_no_payload():
    """Where there is no entry there is none to unpack."""
    assert unpack(None, stamps=(STAMP,)) is None
