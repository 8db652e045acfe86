"""Yields the tables and curves of a study of caches from its findings. It computes no estimate."""

from collections.abc import Iterable
from typing import Final

from lab.caching_findings import CachingFindings
from lab.caching_model import written_hits, zipf
from lab.findings import Interval
from lab.study_findings import Axis, Column, Curve, Line, Point, Table
from lab.units import rate, seconds
from lab.wording import face_name, place

ALL: Final = "all"
MODEL: Final = "model"


def tables(found: CachingFindings) -> tuple[Table, ...]:
    """Every table that has rows."""
    made = (
        _rates(found), _classes(found), _passes(found), _mixes(found), _costs(found), _worths(found), _memories(found),
        _voids(found),
    )  # fmt: skip
    return tuple(table for table in made if table.rows)


def curves(found: CachingFindings) -> tuple[Curve, ...]:
    """Hit rate against exponent; and by each face, response time and hit rate against the share of writes."""
    return (
        _popularity(found),
        *(_written_times(found, face=face) for face in found.faces),
        *(_written_hits(found, face=face) for face in found.faces),
    )


def _rates(found: CachingFindings) -> Table:
    return Table(
        identifier="hit-rates",
        title="Hit rate against the model",
        lead=(
            f"{rate(found.rate)} requests/s for {found.part_keys} keys at each exponent, whose answers live for "
            f"{found.lifetime} s. The model takes keys and rates as they were asked; replayed is what the very "
            "requests hit in a cache without faults."
        ),
        columns=(
            Column(name="exponent"), Column(name="cache"), Column(name="face"), Column(name="requests", unit="count"),
            Column(name="hit rate", unit="share"), Column(name="model", unit="share"),
            Column(name="apart, in points", unit="number"), Column(name="replayed", unit="share"),
        ),
        rows=tuple(
            (
                f"{each.exponent:g}", each.level or ALL, face_name(each.face) or ALL, each.requests,
                each.measured or each.share, each.model, round(100 * each.apart, 2), each.replayed,
            )
            for each in (*found.exponents, *found.rates)
        ),
    )  # fmt: skip


def _classes(found: CachingFindings) -> Table:
    return Table(
        identifier="classes",
        title="Response time by class",
        lead=(
            f"At {rate(found.rate)} requests/s, all exponents together, from when a request was due. A part is a hit "
            "of what was asked for that lacked something which belongs to it; who waited had missed what another was "
            "computing."
        ),
        columns=(
            Column(name="cache"), Column(name="face"), Column(name="class"), Column(name="requests", unit="count"),
            Column(name="of all", unit="share"), Column(name="p50", unit="seconds"), Column(name="p99", unit="seconds"),
        ),
        rows=tuple(
            (each.level, face_name(each.face), each.kind, each.requests, each.share, each.p50, each.p99)
            for each in found.classes
        ),
    )  # fmt: skip


def _passes(found: CachingFindings) -> Table:
    return Table(
        identifier="cold-and-warm",
        title="Cold and warm",
        lead=(
            f"{found.keys} keys, one request in flight. Cold is the first request for a key after the cache was "
            "emptied, warm is every later one."
        ),
        columns=(
            Column(name="cache"), Column(name="face"), Column(name="keys are"), Column(name="requests", unit="count"),
            Column(name="mean", unit="seconds"), Column(name="p50", unit="seconds"), Column(name="p99", unit="seconds"),
        ),
        rows=tuple(
            (each.level, face_name(each.face), each.kind, each.requests, each.mean, each.p50, each.p99)
            for each in found.passes
        ),
    )  # fmt: skip


def _mixes(found: CachingFindings) -> Table:
    return Table(
        identifier="mixes",
        title="Reads beside writes",
        lead=(
            f"{rate(found.rate)} requests/s for {found.keys} keys with an exponent of {found.usual:g}, whose answers "
            "live on until a write. Times are those of reads; the last column is their mean over that without a cache."
        ),
        columns=(
            Column(name="writes"), Column(name="face"), Column(name="cache"), Column(name="reads", unit="count"),
            Column(name="hit rate", unit="share"), Column(name="replayed", unit="share"),
            Column(name="mean", unit="seconds"), Column(name="p50", unit="seconds"), Column(name="p99", unit="seconds"),
            Column(name="over no cache", unit="ratio"),
        ),
        rows=tuple(
            (
                _writes(each.writes), face_name(each.face), each.level, each.requests, each.hits, each.replayed,
                each.mean, each.p50, each.p99, each.ratio,
            )
            for each in found.mixes
        ),
    )  # fmt: skip


def _costs(found: CachingFindings) -> Table:
    return Table(
        identifier="costs",
        title="CPU time of a request beside writes",
        lead="Of reads and writes together, by both faces, the beginning of each trial included.",
        columns=(
            Column(name="writes"), Column(name="cache"), Column(name="server", unit="seconds"),
            Column(name="PostgreSQL", unit="seconds"),
        ),
        rows=tuple((_writes(each.writes), each.level, each.server, each.postgres) for each in found.costs),
    )  # fmt: skip


def _worths(found: CachingFindings) -> Table:
    return Table(
        identifier="worth",
        title="Where a cache stops to pay",
        lead=(
            "A miss takes longer than the same request without a cache. By the means of cold and warm, this many "
            "requests must hit to make up for it; by the model, no more of them hit at that share of writes."
        ),
        columns=(
            Column(name="cache"), Column(name="face"), Column(name="hit rate needed", unit="share"),
            Column(name="share of writes", unit="share"),
        ),
        rows=tuple((each.level, face_name(each.face), each.needed, each.writes) for each in found.worths),
    )  # fmt: skip


def _memories(found: CachingFindings) -> Table:
    return Table(
        identifier="memory",
        title="Memory per cached answer",
        lead="On average, when every key was asked for once: what is sent, what is stored, and what the store takes.",
        columns=(
            Column(name="cache"), Column(name="face"), Column(name="answers", unit="count"),
            Column(name="entries", unit="count"), Column(name="answer", unit="bytes"),
            Column(name="stored", unit="bytes"), Column(name="memory", unit="bytes"),
        ),
        rows=tuple(
            (each.level, face_name(each.face), each.answers, each.entries, each.body, each.stored, each.memory)
            for each in found.memories
        ),
    )  # fmt: skip


def _voids(found: CachingFindings) -> Table:
    return Table(
        identifier="void",
        title="Trials that count for nothing",
        lead="By what the sensors saw and whether every answer was right; nobody looked at what they measured.",
        columns=(
            Column(name="block", unit="count"), Column(name="trial"), Column(name="cache"), Column(name="face"),
            Column(name="writes"), Column(name="reason"),
        ),
        rows=tuple(
            (
                each.block + 1, each.kind, each.level, face_name(each.face) or ALL, _writes(each.writes), each.reason
            )
            for each in found.voids
        ),
    )  # fmt: skip


def _popularity(found: CachingFindings) -> Curve:
    lines = _lines(
        found,
        [(each.level, each.exponent, each.measured) for each in found.rates if each.face == _together(found)],
    )
    model = Line(
        name=MODEL, is_model=True, points=tuple(_exact(each.exponent, each.model) for each in found.exponents)
    )  # fmt: skip
    apart = max((abs(each.apart) for each in found.exponents), default=0.0)
    return Curve(
        identifier="hit-rate",
        title=f"{found.operation}: hit rates lie within {100 * apart:.1f} points of the model",
        x=Axis(name="Zipf's exponent", unit="number"), y=Axis(name="hit rate", unit="share"),
        lines=(*lines, model), operation=found.operation,
    )  # fmt: skip


def _written_times(found: CachingFindings, *, face: str) -> Curve:
    own = [each for each in found.mixes if each.face == face]
    lines = _lines(found, [(each.level, each.writes, each.mean) for each in own])
    ends = [each for each in own if each.writes == max(found.shares)]
    said = ", ".join(f"{seconds(each.mean.estimate)} with {each.level}" for each in ends if each.mean)
    most = _writes(max(found.shares))
    return Curve(
        identifier=f"written-times-{face}",
        title=f"{place(found.operation, face)}: with {most} writes a read takes {said or 'no time'}",
        x=Axis(name="share of writes", unit="share"), y=Axis(name="mean response time", unit="seconds"),
        lines=lines, operation=found.operation, face=face,
    )  # fmt: skip


def _written_hits(found: CachingFindings, *, face: str) -> Curve:
    shares = zipf(found.keys, exponent=found.usual)
    own = [each for each in found.mixes if each.face == face and each.hits]
    lines = _lines(found, [(each.level, each.writes, each.hits) for each in own])
    model = Line(
        name=MODEL, is_model=True,
        points=tuple(
            _exact(writes, written_hits(shares, writes=writes, faces=len(found.faces)))
            for writes in sorted({each.writes for each in own})
        ),
    )  # fmt: skip
    ends = [each for each in own if each.writes == max(found.shares)]
    said = ", ".join(f"{each.hits.estimate:.0%} with {each.level}".replace("%", " %") for each in ends if each.hits)
    return Curve(
        identifier=f"written-hits-{face}",
        title=f"{place(found.operation, face)}: with {_writes(max(found.shares))} writes {said or 'nothing'} hit",
        x=Axis(name="share of writes", unit="share"), y=Axis(name="hit rate", unit="share"),
        lines=(*lines, model), operation=found.operation, face=face,
    )  # fmt: skip


def _lines(found: CachingFindings, points: Iterable[tuple[str, float, Interval | None]]) -> tuple[Line, ...]:
    """A line for each level that has points."""
    there = [(level, Point(x=x, y=y)) for level, x, y in points if y]
    lines = (
        Line(name=level, points=tuple(point for of, point in there if of == level)) for level in found.levels
    )  # fmt: skip
    return tuple(line for line in lines if line.points)


def _together(found: CachingFindings) -> str:
    """The face under which all of them stand together."""
    return "" if len(found.faces) > 1 else found.faces[0]


def _exact(x: float, y: float) -> Point:
    return Point(x=x, y=Interval(estimate=y, low=y, high=y, blocks=0))


def _writes(share: float) -> str:
    return f"{100 * share:g} %"
