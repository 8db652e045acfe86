"""Yields the findings of a run that followed growth, from its folder alone: tables and curves. It measures nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lab.findings import Interval
from lab.growth_fit import Growth
from lab.growth_series import COUNTED, Followed, Series
from lab.growth_words import READING, answer, method
from lab.results import RunFolder
from lab.study_findings import Axis, Column, Curve, Line, Point, StudyFindings, Table, Unit, Value
from lab.units import count, seconds
from lab.wording import face_name, place

MODEL_POINTS: Final = 24
UNITS: Final[dict[str, Unit]] = {"statements": "number", "shared buffers": "number", "rows": "number", "bytes": "bytes"}


def derive_growth(folder: RunFolder) -> StudyFindings:
    """What the sizes say that are there."""
    followed = Followed(folder)
    series = followed.series
    experiment = folder.manifest.experiment
    assert experiment.growth is not None  # noqa: S101 - only runs that followed growth are derived here
    planned = experiment.growth.blocks * len(experiment.growth.sizes)
    done = sum(index < experiment.growth.blocks for _, index in followed.voids)
    count_for = sum(not reason for reason in followed.voids.values())
    answers = sum(proof.answers for part in followed.parts.values() for proof in part.proof.proofs)
    return StudyFindings(
        answer=answer(series, blocks=(count_for, len(followed.voids)), answers=answers),
        tables=(_times(series), *(_counted(series, what) for what in COUNTED)) if series else (),
        curves=tuple(_curves(series)),
        reading=READING,
        method=method(limit=experiment.growth.statement_seconds),
        complete=done == planned and not any(part.damages for part in followed.parts.values()),
        notes=tuple(_notes(followed, planned=planned, done=done)),
    )


def _times(series: Sequence[Series]) -> Table:
    rows = series[0].rows
    return Table(
        identifier="growth",
        title="How time grows with rows",
        lead=(
            "The exponent is the c of a + b n^c, where something grows; the slope is that of the whole line on "
            "logarithmic axes, 0 where nothing grows. Times are means over blocks."
        ),
        columns=(
            Column(name="operation"), Column(name="face"), Column(name="arm"), Column(name="grows as"),
            Column(name="exponent c [95 %]", unit="number"), Column(name="slope [95 %]", unit="number"),
            Column(name="largest over smallest [95 %]", unit="ratio"),
            *(Column(name=f"time at {count(each)} rows", unit="seconds") for each in rows),
        ),
        rows=tuple((*_place(each), *_told(each.growth), *_seconds(each)) for each in series),
    )  # fmt: skip


def _counted(series: Sequence[Series], what: str) -> Table:
    unit = UNITS[what]
    keys = "the mean over the keys that were counted at every size"
    return Table(
        identifier=f"growth-{what.replace(' ', '-')}",
        title=f"How {what} grow with rows",
        lead=f"Counted, not timed: {keys}.",
        columns=(
            Column(name="operation"), Column(name="face"), Column(name="arm"), Column(name="grows as"),
            Column(name="exponent c [95 %]", unit="number"), Column(name="slope [95 %]", unit="number"),
            Column(name="largest over smallest", unit="ratio"),
            *(Column(name=f"at {count(each)} rows", unit=unit) for each in series[0].rows),
        ),
        rows=tuple((*_place(each), *_told(each.counted[what]), *_plain(each.counts[what])) for each in series),
    )  # fmt: skip


def _place(series: Series) -> tuple[Value, ...]:
    return (series.operation, face_name(series.face), series.arm)


def _told(growth: Growth) -> tuple[Value, ...]:
    return (growth.word or growth.reason, growth.exponent, growth.slope, growth.factor)


def _seconds(series: Series) -> tuple[Value, ...]:
    return tuple(
        f"more than {seconds(series.more_than[size])}" if size in series.more_than else series.time(size)
        for size in range(len(series.rows))
    )


def _plain(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> tuple[Value, ...]:
    return tuple(float(each) if np.isfinite(each) else None for each in values)


def _curves(series: Sequence[Series]) -> Iterator[Curve]:
    """For each operation and face its time against rows, and then its buffers."""
    places = dict.fromkeys((each.operation, each.face) for each in series)
    for operation, face in places:
        own = [each for each in series if (each.operation, each.face) == (operation, face)]
        rows = Axis(name="rows of the dataset", unit="count", is_log=True)
        words = ", ".join(f"{each.arm} {each.growth.short}" for each in own)
        yield Curve(
            identifier=f"growth-{operation}-{face}-time",
            title=f"{place(operation, face)}: {words}",
            x=rows, y=Axis(name="service time", unit="seconds", is_log=True),
            lines=tuple(line for each in own for line in _time_lines(each)), operation=operation, face=face,
        )  # fmt: skip
        words = ", ".join(f"{each.arm} {each.counted['shared buffers'].short}" for each in own)
        yield Curve(
            identifier=f"growth-{operation}-{face}-buffers",
            title=f"{place(operation, face)}, shared buffers: {words}",
            x=rows, y=Axis(name="shared buffers of a request", unit="count", is_log=True),
            lines=tuple(line for each in own for line in _buffer_lines(each)), operation=operation, face=face,
        )  # fmt: skip


def _time_lines(series: Series) -> Iterator[Line]:
    points = ((float(rows), series.time(size)) for size, rows in enumerate(series.rows))
    yield Line(name=series.arm, points=tuple(Point(x=x, y=y) for x, y in points if y))
    yield from _model(series.arm, series.growth)


def _buffer_lines(series: Series) -> Iterator[Line]:
    counts = series.counts["shared buffers"]
    points = [(float(x), _exact(float(y))) for x, y in zip(series.rows, counts, strict=True) if np.isfinite(y)]
    yield Line(name=series.arm, points=tuple(Point(x=x, y=y) for x, y in points))
    yield from _model(series.arm, series.counted["shared buffers"])


def _model(name: str, growth: Growth) -> Iterator[Line]:
    if growth.model:
        rows = np.geomspace(*growth.ends, MODEL_POINTS)
        pairs = zip(rows.tolist(), growth.model.at(rows).tolist(), strict=True)
        yield Line(name=name, points=tuple(Point(x=x, y=_exact(y)) for x, y in pairs), is_model=True)


def _exact(value: float) -> Interval:
    """A number that has no interval."""
    return Interval(estimate=value, low=value, high=value, blocks=1)


def _notes(followed: Followed, *, planned: int, done: int) -> Iterator[str]:
    if done < planned:
        yield f"The run ended after {done} of {planned} blocks; what was measured until then is shown."
    for name, part in followed.parts.items():
        yield from (f"{name}: {note}" for note in part.proof.notes)
        yield from (f"{name}: {damage}" for damage in part.damages)
    cut = [
        f"{place(each.operation, each.face)}, {each.arm}, at {count(each.rows[size])} rows: {reason}"
        for each in followed.series
        for size, reason in each.reasons.items()
    ]
    if cut:
        yield f"Not timed, and left out of the curves: {'; '.join(cut)}."
    for (name, index), reason in followed.voids.items():
        if reason:
            yield f"Block {index} of {name} counts for nothing: {reason}."
    if followed.parts:
        run = f"{followed.folder.manifest.experiment.name}/{followed.folder.path.name}/{next(iter(followed.parts))}"
        yield f"Every size is a run of its own, which can be drawn: ./noxw -s report -- {run}"
