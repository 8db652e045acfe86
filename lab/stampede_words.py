"""Yields the words of a stampede study. It computes nothing beyond what a sentence needs to choose its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.experiment import StampedeDesign
from lab.findings import Interval
from lab.units import count, seconds
from lab.wording import face_name, times_interval

READING: Final = (
    "From left to right the answers of one stampede in the order in which they came, up when each was there, since all "
    "were asked for. A line that jumps is a queue: those behind the jump were served after it. Whiskers are 95 % "
    "intervals over expiries."
)

METHOD: Final = (
    (
        "Before each stampede all that the cache holds expires, and the version tokens stay. Then all requests are due "
        "within a millisecond, each on a connection of its own that was open before. The arms take turns, in an order "
        "that is drawn anew for each expiry; the servers stay, and were warmed before the first."
    ),
    (
        "Who computed is what the servers wrote down of every look-up: it is counted, not timed. Writing it down costs "
        "every arm the same, a line for each request. An answer is held against that of the arm without a cache, by "
        "status, length and CRC-32."
    ),
    (
        "Without protection a key is computed by all who are served before the first has kept it: at most as many as "
        "the server has threads, however many more ask. Those who are served later find it. Where whole answers and "
        "their rows are kept, an expired answer is two expired keys."
    ),
    (
        "Counts are those of the expiry with the fewest and of that with the most, or means. Times run from when a "
        "request was due to its last byte: means over expiries, with t intervals, each by itself; a ratio is taken "
        "within each expiry."
    ),
)

_LEVELS: Final = {"view": "whole answers", "query": "rows", "both": "whole answers and rows"}
_WHO: Final = {"all": "all who miss", "one": "one for all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Two arms that differ in who computes, all or one, in this order.

    `computed` is how often an expired answer was computed, over both levels of the cache, at the expiry with the fewest
    and at that with the most. `slowest` is when the last answer was there, `ratio` that of one to all.
    """

    face: str
    cache: str
    arms: tuple[int, int]
    computed: tuple[tuple[int, int], tuple[int, int]]
    slowest: tuple[Interval, Interval]
    ratio: Interval

    @property
    def most(self) -> int:
        """The largest count with protection."""
        return self.computed[1][1]

    @property
    def keys(self) -> int:
        """How many keys of the cache one answer is kept under."""
        return 2 if self.cache == "both" else 1


def level_name(cache: str) -> str:
    """What a level of the knob `cache` keeps."""
    return _LEVELS[cache]


def who(refill: str) -> str:
    """Who computes at a level of the knob `refill`."""
    return _WHO[refill]


def curve_title(each: Protection, *, many: int) -> str:
    """What the curve of two arms says: when all answers were there without protection, and with it."""
    without, with_it = (seconds(slowest.estimate) for slowest in each.slowest)
    return (
        f"{face_name(each.face)}, {level_name(each.cache)}: all {count(many)} answers after {without} when all who "
        f"miss compute, after {with_it} when one does"
    )


def answer(
    protections: Sequence[Protection], *, design: StampedeDesign, stampedes: int, sent: float
) -> tuple[str, ...]:
    """The answer in a few lines: whether one computes, then face by face and level by level, then what it rests on."""
    if not protections:
        return ("The question cannot be answered: no arm was measured at two expiries.",)
    threads = design.server.workers * design.server.threads
    return (
        _whether(protections),
        *(_line(each, many=design.at_once) for each in protections),
        f"A key is computed by at most {threads} at once: so many threads there are.",
        (
            f"{count(stampedes)} stampedes of {count(design.at_once)} requests count, all answers equal to that "
            f"without a cache; the last request of any was sent {seconds(sent)} late."
        ),
    )


def _whether(protections: Sequence[Protection]) -> str:
    if all(each.most == each.keys for each in protections):
        return "With protection an expired key was computed once, at every expiry."
    worst = max(protections, key=lambda each: each.most / each.keys)
    where = f"{face_name(worst.face)}, {level_name(worst.cache)}"
    return f"With protection an answer was computed up to {worst.most} times, for {worst.keys} expired ({where})."


def _line(each: Protection, *, many: int) -> str:
    free, guarded = each.computed
    what = "it" if each.keys == 1 else "its two keys, both together,"
    return (
        f"{face_name(each.face)}, {level_name(each.cache)} kept: {count(many)} requests for an expired answer computed "
        f"{what} {_count(free)} times without protection, {_count(guarded)} with; all were answered after "
        f"{seconds(each.slowest[0].estimate)} and {seconds(each.slowest[1].estimate)}, {times_interval(each.ratio)}."
    )


def _count(counts: tuple[int, int]) -> str:
    fewest, most = counts
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"
