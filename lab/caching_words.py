"""Yields the sentences of a study of caches. It computes nothing beyond what a sentence needs to choose its words."""

from typing import Final

from lab.caching_findings import CachingFindings, ClassTime, Memory, Mix
from lab.findings import Interval
from lab.units import rate, seconds, size
from lab.wording import compared, face_name, interval

READING: Final = (
    "A point is what all blocks give together, the thin line through it the 95 % interval by how the blocks scatter. A "
    "dashed line is no measurement: it is what the model says of a cache without faults. Where the points of a level "
    "lie off it, its keys or its times-to-live are not what they should be."
)

_METHOD: Final = """
Before timing, the answers of all levels and both faces were read into the same values and compared; each timed answer
of the trials with a short life was held against the proven one. Each block has server processes of its own.

Requests come by Poisson arrivals at a rate far below capacity, half of them by each face, and each draws its key on its
own. What an answer says of the cache (Cache-Status, RFC 9211) is kept with its sample, so hits and misses are known and
not guessed. Response time runs from when a request was due.

Popularity: answers live for a short time, and each exponent has keys of its own, so that all are asked at once. What is
due in the first two lives is left out. The model is rate * ttl / (1 + rate * (ttl + compute)) for each request that was
sent, by the rate that its key has in the trial's requests and the mean time of the trial's misses; who waits for what
another computes has missed it too. The replay sends the very requests through a simulated cache, and has no error of
chance.

Cold and warm: after the cache was emptied, one client asks for every key, again and again; the first time is cold.

Mixes: answers live on, and writes are orders by the API, each of which unmakes all cached answers of the catalog. All
levels meet the same requests and writes. Without writes every read hits, since all keys were asked for before. The
model under writes: a read hits if after the last write the same was asked for by the same face.
"""
METHOD: Final = tuple(" ".join(paragraph.split()) for paragraph in _METHOD.strip().split("\n\n"))


def answer(found: CachingFindings) -> tuple[str, ...]:
    """The answer in a few lines: how many hit, what a hit takes, what writes do, what it costs in memory."""
    if not found.trials_counted:
        return ("The question cannot be answered: no trial counts.",)
    faces = found.faces
    return (
        *_rates(found),
        *filter(None, (_classes(found, face=face) for face in faces)),
        *filter(None, (_written(found, face=face) for face in faces)),
        *_pays(found),
        *_memory(found),
        _trust(found),
    )


def pays_until(mixes: list[Mix]) -> str:
    """Up to which share of writes that was tried reads are surely quicker with a cache, in words."""
    tried = sorted((mix for mix in mixes if mix.ratio), key=lambda mix: mix.writes)
    if not tried:
        return "was not compared"
    ahead = [mix for mix in tried if mix.ratio and mix.ratio.high < 1]
    if len(ahead) == len(tried):
        return f"pays at every share of writes that was tried, up to {_writes(tried[-1].writes)}"
    first = next(mix for mix in tried if mix not in ahead)
    if first is tried[0]:
        return f"does not surely pay even with {_writes(first.writes)} writes"
    before = tried[tried.index(first) - 1]
    lost = "costs" if first.ratio and first.ratio.low > 1 else "does not surely pay"
    return f"pays until {_writes(before.writes)} writes and {lost} with {_writes(first.writes)}"


def _classes(found: CachingFindings, *, face: str) -> str:
    own = [each for each in found.classes if each.face == face and each.p50]
    parts = []
    for level in found.levels:
        kinds = {each.kind: each for each in own if each.level == level}
        if {"hit", "miss"} <= kinds.keys():
            parts.append(f"{level} {_p50(kinds['hit'])} for a hit and {_p50(kinds['miss'])} for a miss")
        elif "no cache" in kinds:
            parts.append(f"{_p50(kinds['no cache'])} without a cache")
    return f"{face_name(face)} at {rate(found.rate)} requests/s (medians): {'; '.join(parts)}." if parts else ""


def _rates(found: CachingFindings) -> list[str]:
    told = [each for each in found.exponents if each.measured]
    if not told:
        return []
    each = min(told, key=lambda one: abs(one.exponent - found.usual))
    levels = [one for one in found.rates if len(found.faces) == 1 or not one.face]
    worst = max(abs(one.apart) for one in told)
    single = max((abs(one.apart) for one in levels), default=worst)
    said = (
        f"At Zipf's exponent {each.exponent:g}, {_percents(each.measured)} of requests hit (model "
        f"{_percent(each.model)}, replayed {_percent(each.replayed)}); at all {len(told)} exponents within "
        f"{_points(worst)} of the model, and within {_points(single)} at each level alone."
    )
    return [said]


def _written(found: CachingFindings, *, face: str) -> str:
    most = max(found.shares)
    own = [mix for mix in found.mixes if mix.face == face]
    parts = []
    for level in found.levels:
        mixes = [mix for mix in own if mix.level == level and mix.ratio]
        last = next((mix for mix in mixes if mix.writes == most), None)
        if last and last.ratio and last.hits:
            parts.append(f"{level} {interval(last.ratio)} ({_percents(last.hits)} hit; it {pays_until(mixes)})")
    if not parts:
        return ""
    return (
        f"{face_name(face)} with {_writes(most)} writes, a read's time over that without a cache: {'; '.join(parts)}."
    )


def _pays(found: CachingFindings) -> list[str]:
    parts = [
        f"{each.level} by {face_name(each.face)} {_percent(each.needed.estimate)} (up to "
        f"{_writes(round(each.writes, 3))} writes)"
        for each in found.worths
    ]
    return [f"To make up for what misses cost, so many reads must hit: {', '.join(parts)}."] if parts else []


def _memory(found: CachingFindings) -> list[str]:
    said = []
    for face in found.faces:
        own = [each for each in found.memories if each.face == face]
        if own:
            taken = ", ".join(f"{_taken(each)} in {each.level}" for each in own)
            said.append(f"an answer of {size(own[0].body)} by {face_name(face)} takes {taken}")
    return [f"In the store {'; '.join(said)}."] if said else []


def _taken(each: Memory) -> str:
    return f"{size(each.stored)} of values" if each.memory is None else size(each.memory)


def _trust(found: CachingFindings) -> str:
    return (
        f"{found.trials_counted} of {found.trials} trials count, in {found.blocks_done} of {found.blocks} blocks; "
        f"{compared(found.answers)}."
    )


def _p50(each: ClassTime) -> str:
    assert each.p50  # noqa: S101 - the others were left out
    return f"{seconds(each.p50.estimate)} [{seconds(each.p50.low)}, {seconds(each.p50.high)}]"


def _percents(value: Interval | None) -> str:
    assert value  # noqa: S101 - the others were left out
    return f"{_percent(value.estimate)} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _writes(share: float) -> str:
    return f"{100 * share:g} %"
