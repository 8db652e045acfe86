"""Yields what a stampede study found, from its folder alone: who computed, how long all waited. It measures nothing.

The expiry is the unit of inference: each gives every arm one count and one time, with a t interval over expiries; a
ratio of times is taken within each expiry, on logs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lab.experiment import Arm, StampedeDesign
from lab.findings import STEAL_LIMIT, Interval
from lab.json_files import read
from lab.over_blocks import around, ratio_of
from lab.recorder import Fault, read_samples
from lab.results import RunFolder
from lab.stampede import LEAST, MEASURING, Expiry, Stampede, samples_of
from lab.stampede_words import METHOD, READING, Protection, answer, curve_title, level_name, who
from lab.study_findings import Axis, Column, Curve, Line, Point, StudyFindings, Table, Value
from lab.wording import face_name

Seconds = NDArray[np.float64]

PLACES = (1, 5, 10, 16, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Of 100 answers those whose times are drawn, in the order in which they came."""

COLUMNS = (
    Column(name="Face"),
    Column(name="What is kept"),
    Column(name="Who computes"),
    Column(name="Whole answers computed", unit="number"),
    Column(name="Rows computed", unit="number"),
    Column(name="An answer computed, at least", unit="count"),
    Column(name="At most", unit="count"),
    Column(name="Waited for another", unit="number"),
    Column(name="Hit at once", unit="number"),
    Column(name="Half were answered after", unit="seconds"),
    Column(name="All were answered after", unit="seconds"),
    Column(name="All, one / all compute", unit="ratio"),
    Column(name="Stored", unit="bytes"),
    Column(name="Plain", unit="bytes"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One stampede: what was computed at each level, and when its answers came, in order, seconds from when due."""

    whole: int
    rows: int
    waited: int
    hits: int
    stored: int
    plain: int
    times: Seconds
    sent: float


def derive_stampedes(folder: RunFolder) -> StudyFindings:
    """What the expiries saw that are there."""
    return _Derivation(folder).found()


@dataclass
class _Derivation:
    """The intermediate values of one derivation, each made once."""

    folder: RunFolder

    @cached_property
    def design(self) -> StampedeDesign:
        assert self.folder.manifest.experiment.stampede is not None  # noqa: S101 - no other run is derived here
        return self.folder.manifest.experiment.stampede

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        return self.folder.manifest.experiment.arms

    @cached_property
    def expiries(self) -> tuple[Expiry, ...]:
        return tuple(read(path, Expiry) for path in sorted(self.folder.blocks.glob("stampede-[0-9][0-9].json")))

    @cached_property
    def seen(self) -> dict[int, dict[int, _Seen]]:
        """By the arm's number and the expiry's, those that count."""
        found: dict[int, dict[int, _Seen]] = {number: {} for number in range(len(self.arms))}
        self.notes: list[str] = []
        for expiry, each in enumerate(self.expiries):
            for stampede in each.stampedes:
                rows, damage = read_samples(samples_of(self.folder.samples, expiry=expiry, arm=stampede.arm))
                if reason := stampede.reason or damage or _fault(rows, due=self.design.at_once, steal=stampede.steal):
                    self.notes.append(f"expiry {expiry + 1} at {self._name(stampede.arm)} does not count: {reason}")
                else:
                    found[stampede.arm][expiry] = _seen(stampede, rows)
        return found

    def found(self) -> StudyFindings:
        """All of it."""
        protections = self._protections()
        done, manifest = len(self.expiries), self.folder.manifest
        is_measured = any(stage.name == MEASURING for stage in self.folder.stages)
        is_whole = done == self.design.expiries or (manifest.budget is not None and done >= LEAST and is_measured)
        sent = max((each.sent for by_expiry in self.seen.values() for each in by_expiry.values()), default=0.0)
        stampedes = sum(len(by_expiry) for by_expiry in self.seen.values())
        return StudyFindings(
            answer=answer(protections, design=self.design, stampedes=stampedes, sent=sent),
            tables=(self._table(protections),),
            curves=tuple(self._curve(each) for each in protections),
            reading=READING, method=METHOD, complete=is_whole, notes=tuple(self.notes),
        )  # fmt: skip

    def _name(self, arm: int) -> str:
        variant = dict(self.arms[arm].variant)
        return f"{face_name(self.arms[arm].face)}, {level_name(variant['cache'])}, {who(variant['refill'])}"

    def _protections(self) -> tuple[Protection, ...]:
        """The arms in pairs that differ in who computes, where both were measured."""
        numbers = {(arm.face, *(dict(arm.variant)[knob] for knob in ("cache", "refill"))): number
                   for number, arm in enumerate(self.arms)}  # fmt: skip
        found = []
        for face, cache in dict.fromkeys((face, cache) for face, cache, _ in numbers):
            free, guarded = numbers.get((face, cache, "all")), numbers.get((face, cache, "one"))
            if free is None or guarded is None:
                continue
            both = sorted(self.seen[free].keys() & self.seen[guarded].keys())
            if len(both) < LEAST:
                continue
            pairs = [(self.seen[guarded][expiry].times[-1], self.seen[free][expiry].times[-1]) for expiry in both]
            ratio = ratio_of(pairs)
            assert ratio  # noqa: S101 - there are enough expiries
            found.append(
                Protection(
                    face=face, cache=cache, arms=(free, guarded),
                    computed=(self._computed(free), self._computed(guarded)),
                    slowest=(self._over(free, lambda s: s.times[-1]), self._over(guarded, lambda s: s.times[-1])),
                    ratio=ratio,
                )
            )  # fmt: skip
        return tuple(found)

    def _over(self, arm: int, read_one: Callable[[_Seen], float]) -> Interval:
        values = [read_one(seen) for seen in self.seen[arm].values()]
        found = around(float(np.mean(values)), values)
        assert found  # noqa: S101 - arms with fewer expiries are left out
        return found

    def _computed(self, arm: int) -> tuple[int, int]:
        """How often an answer was computed, at the expiry with the fewest and at that with the most."""
        counts = [seen.whole + seen.rows for seen in self.seen[arm].values()]
        return min(counts), max(counts)

    def _average(self, arm: int, read_one: Callable[[_Seen], int]) -> float:
        return float(np.mean([read_one(seen) for seen in self.seen[arm].values()]))

    def _table(self, protections: Sequence[Protection]) -> Table:
        return Table(
            identifier="stampedes", title=f"{self.design.at_once} requests at once for what has just expired",
            lead=(
                "How often one expired answer was computed, by the servers' own count; how many waited for another; "
                "and when half and all of the answers were there. Means over expiries."
            ),
            columns=COLUMNS,
            rows=tuple(
                self._row(each, place=place, ratio=each.ratio if place else None)
                for each in protections for place in (0, 1)
            ),
        )  # fmt: skip

    def _row(self, each: Protection, *, place: int, ratio: Interval | None) -> tuple[Value, ...]:
        arm = each.arms[place]
        some = next(iter(self.seen[arm].values()))
        return (
            face_name(each.face), level_name(each.cache), who(("all", "one")[place]),
            None if each.cache == "query" else self._average(arm, lambda s: s.whole),
            None if each.cache == "view" else self._average(arm, lambda s: s.rows),
            *each.computed[place],
            self._average(arm, lambda s: s.waited), self._average(arm, lambda s: s.hits),
            self._over(arm, lambda s: float(np.median(s.times))), each.slowest[place], ratio,
            some.stored, some.plain,
        )  # fmt: skip

    def _curve(self, each: Protection) -> Curve:
        many = self.design.at_once
        places = sorted({max(1, round(place * many / 100)) for place in PLACES})

        def line(place: int) -> Line:
            points = tuple(self._nth(each.arms[place], number) for number in places)
            return Line(name=who(("all", "one")[place]), points=points)

        return Curve(
            identifier=f"{each.face}-{each.cache}",
            title=curve_title(each, many=many),
            x=Axis(name="answers that were there", unit="count"),
            y=Axis(name="time since they were due", unit="seconds"),
            lines=(line(0), line(1)), face=each.face,
        )  # fmt: skip

    def _nth(self, arm: int, number: int) -> Point:
        """When the answer of that number was there."""
        return Point(x=number, y=self._over(arm, lambda seen: seen.times[number - 1]))


def _seen(stampede: Stampede, rows: NDArray[np.void]) -> _Seen:
    """The counts of the key of each level that was computed most, and all times."""
    computed = {level: [key for key in stampede.keys if key.level == level] for level in ("view", "query")}

    def most(level: str) -> int:
        return max((key.computed for key in computed[level]), default=0)

    asked = computed["view"] or computed["query"]
    return _Seen(
        whole=most("view"), rows=most("query"),
        waited=sum(key.waited for key in stampede.keys),
        hits=sum(key.looked_up - key.missed for key in asked),
        stored=max((key.stored for key in asked), default=0), plain=max((key.plain for key in asked), default=0),
        times=np.sort(rows["done"] - rows["due"]) / 1e9, sent=float((rows["sent"] - rows["due"]).max() / 1e9),
    )  # fmt: skip


def _fault(rows: NDArray[np.void], *, due: int, steal: float | None) -> str:
    """Why a stampede gives nothing, or nothing."""
    right = int((rows["fault"] == Fault.NONE).sum())
    if right != due:
        return f"{due - right} of {due} requests were not answered as proven"
    if steal is not None and steal > STEAL_LIMIT:
        return f"the host took {steal:.1%} of the CPU (limit {STEAL_LIMIT:.0%})"
    return ""
