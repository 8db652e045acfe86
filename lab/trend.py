"""Yields a history's trend: its series, and the levels between their change points. It measures nothing.

Change points are found by the library ruptures (Truong, Oudre, Vayatis 2020): PELT (Killick et al. 2012) for shifts of
the mean, on log-ratios in units of their noise, so that its penalty has a scale.
"""

from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from typing import Final

import numpy as np
import ruptures

from lab.effect import Array
from lab.history import HistoryLine, read_history
from lab.json_files import write
from lab.render import render_trend
from lab.trend_findings import Level, Point, Series, Trend

SHORTEST: Final = 3
"""Runs that a level has at least: one run out of line is no change."""

PENALTY: Final = 3.0
"""What a change point costs, times ln(runs), in units of the noise's variance: Bayes' criterion, which has 2, is too
ready where the noise is estimated from few runs."""

LEAST: Final = 1e-9
"""A ratio below this, as two blocks may bound one, is taken for it: nothing has no logarithm."""

HALF_WIDTHS: Final = 3.0
"""Standard deviations in half of a run's interval, of twelve blocks and a handful of comparisons."""


def write_trend(folder: Path) -> Path:
    """Derives the trend of the history in `folder` and draws it; the page's path. Raises LabError."""
    found = Trend(history=str(folder), series=trend(read_history(folder)))
    write(found, folder / "trend.json")
    page = folder / "trend.html"
    render_trend(folder / "trend.json", page=page)
    return page


def trend(lines: Sequence[HistoryLine]) -> tuple[Series, ...]:
    """The series of these lines, those first whose level changed last; then by name."""
    groups: dict[tuple[str, ...], list[HistoryLine]] = {}
    for line in lines:
        key = (
            line.experiment, line.reference, f"{line.dataset}, seed {line.seed}", line.operation, line.face,
            line.subject, line.given, line.held, "" if line.reference else line.machine,
        )  # fmt: skip
        groups.setdefault(key, []).append(line)
    found = [_series(key, group) for key, group in groups.items()]
    return tuple(sorted(found, key=_order))


def change_points(ratios: Array, *, half_widths: Array) -> tuple[int, ...]:
    """Where a new level begins, of log-ratios (n,) whose intervals have these half-widths (n,)."""
    if len(ratios) < 2 * SHORTEST:
        return ()
    # Differences of neighbours know no level; the intervals hold where there are few of them.
    between = float(np.median(np.abs(np.diff(ratios)))) / (0.6745 * 2**0.5)
    noise = max(between, float(np.median(half_widths)) / HALF_WIDTHS, 1e-9)
    found = ruptures.Pelt(model="l2", min_size=SHORTEST, jump=1).fit(ratios / noise)
    ends = found.predict(pen=PENALTY * log(len(ratios)))
    return tuple(int(end) for end in ends[:-1])


def _series(key: tuple[str, ...], lines: Sequence[HistoryLine]) -> Series:
    experiment, reference, dataset, operation, face, subject, given, held, machine = key
    ratios = np.array([_log(line.ratio.estimate) for line in lines])
    halves = np.array([(_log(line.ratio.high) - _log(line.ratio.low)) / 2 for line in lines])
    starts = (0, *change_points(ratios, half_widths=halves))
    levels = tuple(
        Level(start=start, end=end, ratio=exp(float(ratios[start:end].mean())))
        for start, end in zip(starts, (*starts[1:], len(lines)), strict=True)
    )
    points = tuple(
        Point(
            measured=line.measured, run=line.run, commit=line.commit, machine=line.machine, ratio=line.ratio,
            verdict=line.verdict,
        )
        for line in lines
    )  # fmt: skip
    return Series(
        experiment=experiment, reference=reference, dataset=dataset, operation=operation, face=face, subject=subject,
        given=given, points=points, levels=levels, held=held, machine=machine,
        is_time=lines[0].is_time,
    )  # fmt: skip


def _log(ratio: float) -> float:
    return log(max(ratio, LEAST))


def _order(series: Series) -> tuple[bool, int, str, str, str, str]:
    """Sorts series with a change first, the newest change first; then by name."""
    since = len(series.points) - series.levels[-1].start
    return (len(series.levels) < 2, since, series.operation, series.face, series.subject, series.held)
