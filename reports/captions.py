"""Yields the words around charts: titles that state the finding, alternative texts, and how to read each kind.

It says nothing that the findings do not hold; the run's own sentences come from `lab.wording`.
"""

from collections.abc import Sequence

from lab.findings import Effect, Waterfall
from lab.wording import face_name, place
from reports import format as text
from reports.charts import quantiles, sizes
from reports.charts.forest import Row
from reports.charts.interaction import Panel

WATERFALL = (
    "Read from top to bottom: the first bar is the mean service time with every knob off, the last one with every knob "
    "on. Each bar between hangs where the one before ended and is one knob's share of the way: blue saves time, orange "
    "adds some. A share is the knob's average over all orders in which the knobs could be turned on (Shapley), so the "
    "shares add up exactly. Only passes in which all settings ran enter here, so the ends differ a little from the "
    "means in the table of cells. The thin line is the 95 % interval of the share."
)
FOREST = (
    "Each row is one comparison. The diamond is the estimated ratio, the thick line its 95 % interval; it has "
    "no end mark where it leaves the drawing. The intervals of all comparisons of one kind, over all operations and "
    "faces, hold at once. The small dots below are the single blocks, each an independent repetition. Left of the "
    "dashed line at 1 is faster, right is slower; the grey band is the tolerance of \u00b12 %. A line that crosses 1 "
    "may be no difference at all."
)
GROWTH = (
    "Each line is one arm. Go to the right by the number, then up to the mean service time; thin upright lines are "
    "95 % intervals. Both scales are log: a level line does not grow at all, one that climbs as it goes to the right "
    "grows in proportion. The key gives each arm's statements, from the least number to the greatest: they are "
    "counted, so they have no interval."
)
INTERACTION = (
    "Each panel turns one knob on (left to right), once for each level of another knob, with every further knob off. "
    "Parallel lines mean that the two knobs do not depend on each other; lines that meet or part mean that what one "
    "knob buys depends on the other. The interaction is a ratio of ratios: 1 says independent, below 1 that together "
    "they buy more than apart, above 1 less. Where the findings hold it over several settings of the further knobs, it "
    "is their average. Time is on a log scale."
)
FACES = (
    "Each row compares both faces at the same setting of the knobs, with the same values: below 1 GraphQL is faster, "
    "above 1 REST is. Diamond, line and dots read as in the plots above."
)
DISTRIBUTION = (
    "Each curve is one arm. Go to the right by the share of requests, then up to the curve: so many were answered "
    "within this time. The middle (50 %) is the typical request; a curve that climbs at its right end has slow "
    "stragglers. Curves show samples, not intervals: the intervals of the means stand in the table of cells."
)
DRIFT = (
    "Each thin line is one cell, the bold line their median: the block's mean over the cell's own mean. A level line "
    "at 1 is a quiet machine. Arms are interleaved inside a block, so a drift that all share cancels in every ratio."
)


def growth_title(face: str, lines: Sequence[sizes.Line], *, what: str) -> str:
    """How far the slowest and the quickest arm at the greatest number have come."""
    grown = [
        (first.service.estimate, last.service.estimate, line.name)
        for line in lines
        for (_, first), (_, last) in [(line.points[0], line.points[-1])]
        if first.service and last.service
    ]
    best, worst = min(grown, key=lambda each: each[1]), max(grown, key=lambda each: each[1])
    ends = f"{text.level(lines[0].points[0][0])} to {text.level(lines[0].points[-1][0])} {what}"
    told = dict.fromkeys((worst, best))
    said = [f"{name} from {text.duration(first)} to {text.duration(last)}" for first, last, name in told]
    return f"{face_name(face)}, {ends}: {'; '.join(said)}"


def growth_alternative(lines: Sequence[sizes.Line]) -> str:
    """The chart of growth in words."""
    said = "; ".join(
        f"{line.name} "
        + ", ".join(f"{text.duration(c.service.estimate)} at {text.level(n)}" for n, c in line.points if c.service)
        for line in lines
    )
    return f"Service time against a number, an arm per line. {said}."


def waterfall_title(fall: Waterfall) -> str:
    """From where to where, and which knob saves most."""
    way = f"{place(fall.operation, fall.face)}: from {text.duration(fall.start)} to {text.duration(fall.end)}"
    best = min(fall.steps, key=lambda step: step.seconds.estimate, default=None)
    if best is None or best.seconds.high >= 0:
        return f"{way}; no knob surely saves time"
    return f"{way}; most is saved by {best.knob}, {text.duration(-best.seconds.estimate)}"


def waterfall_alternative(fall: Waterfall) -> str:
    """The waterfall in words."""
    steps = "; ".join(f"{step.knob} {text.duration_interval(step.seconds)}" for step in fall.steps)
    return f"Waterfall. All off {text.duration(fall.start)}; {steps}; all on {text.duration(fall.end)}."


def forest_title(head: str, rows: Sequence[Row]) -> str:
    """Which row helps most; else that none surely does."""
    sure = [row for row in rows if row.effect.verdict == "faster"]
    worse = [row for row in rows if row.effect.verdict == "slower"]
    if sure:
        best = min(sure, key=lambda row: row.effect.typical.estimate)
        return f"{head}: most comes from {best.name}, {text.speed(best.effect.typical.estimate)}"
    if worse:
        worst = max(worse, key=lambda row: row.effect.typical.estimate)
        return f"{head}: none is surely faster; {worst.name}: {text.speed(worst.effect.typical.estimate)}"
    return f"{head}: no sure difference"


def tally_title(head: str, rows: Sequence[Row], *, what: str) -> str:
    """How many rows are faster, slower, the same or unclear."""
    counts = {words: sum(row.effect.verdict == verdict for row in rows) for verdict, words in _VERDICTS.items()}
    said = ", ".join(f"{words} in {n}" for words, n in counts.items() if n)
    return f"{head}: {what} {said or 'not judged'} (of {len(rows)})"


def forest_alternative(rows: Sequence[Row]) -> str:
    """The forest plot in words."""
    said = "; ".join(f"{r.name} {text.ratio_interval(r.effect.typical)} {r.effect.verdict}" for r in rows)
    return f"Forest plot of ratios with 95 % intervals. {said}."


def families(effects: Sequence[Effect]) -> str:
    """How many intervals of each kind hold at once; empty where each stands alone."""
    sizes = dict.fromkeys((effect.kind, effect.typical.simultaneous) for effect in effects)
    said = [f"{size} {kind}" for kind, size in sizes if size > 1]
    return f"The intervals of one kind hold at once: {', '.join(said)}." if said else ""


def interaction_title(head: str, panels: Sequence[Panel]) -> str:
    """The strongest interaction that is surely one; else that none is, or that none was estimated."""
    if not any(panel.effect for panel in panels):
        return f"{head}: no interaction was estimated"
    sure = [(p, p.effect) for p in panels if p.effect and not p.effect.typical.low <= 1 <= p.effect.typical.high]
    if not sure:
        return f"{head}: no sure interaction"
    panel, effect = max(sure, key=lambda pair: max(pair[1].typical.estimate, 1 / pair[1].typical.estimate))
    degree = "more" if effect.typical.estimate < 1 else "less"
    times = text.ratio(effect.typical.estimate)
    return f"{head}: {panel.along} and {panel.other} buy {degree} together than apart, {times}"


def interaction_alternative(panels: Sequence[Panel]) -> str:
    """The interaction plots in words."""
    said = "; ".join(f"{panel.along} with {panel.other}: {panel.reading}" for panel in panels)
    return f"Interaction plots of service times. Ratio of ratios: {said}."


def quantiles_title(head: str, curves: Sequence[quantiles.Curve]) -> str:
    """The typical request of the first and of the last arm."""
    ends = curves if len(curves) == 1 else (curves[0], curves[-1])
    said = ", ".join(f"{text.duration(_median(curve))} with {curve.name}" for curve in ends)
    return f"{head}: a median of {said}"


def quantiles_alternative(curves: Sequence[quantiles.Curve]) -> str:
    """The quantile curves in words."""
    said = "; ".join(f"{curve.name} median {text.duration(_median(curve))}" for curve in curves)
    return f"Quantile curves of service times. {said}."


def drift_title(head: str, middle: Sequence[float]) -> str:
    """How far the blocks strayed, by their median."""
    far = max(abs(value - 1) for value in middle)
    return f"{head}: blocks stray by at most {text.percent(far)} from the mean (median of the cells)"


def drift_alternative(middle: Sequence[float]) -> str:
    """The drift plot in words."""
    return f"Block means over the cell's mean; medians in order: {', '.join(text.ratio(value) for value in middle)}."


def effect_name(effect: Effect) -> str:
    """A knob's effect in a list where all others hold the cache off: what else it holds fixed is said."""
    return effect.subject if effect.kind == "conditional" else f"{effect.subject}, {effect.given}"


def _median(curve: quantiles.Curve) -> float | None:
    return next((seconds for share, seconds in curve.cell.quantiles if share == 0.5), None)


_VERDICTS = {"faster": "faster", "slower": "slower", "same": "the same", "unclear": "unclear", "void": "void"}
