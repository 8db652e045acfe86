"""Yields what two runs under load, with mails or of a study say against each other, number by number. It reads no file.

Blocks are not kept beside these numbers, so the scatter is taken back out of each interval.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from math import log
from typing import Final

from scipy import special

from lab import effect as statistics
from lab.arm_names import Variant, name_of
from lab.compare_findings import Measure, NumberPair
from lab.comparisons import ratio
from lab.effect import Estimate
from lab.findings import Interval
from lab.load_findings import Bound, LoadCell, LoadFindings
from lab.mail_findings import MailFindings
from lab.study_findings import StudyFindings, Table, Unit
from lab.units import rate
from lab.verdict import judge

LOAD_FAR: Final = 0.02
"""Share by which two loads of one name may differ before it is told."""

TIMES: Final = (
    ("p50", "median response time"), ("p99", "99th percentile of the response time"),
    ("service_p50", "median service time"),
)  # fmt: skip
MAILS: Final = (
    ("request", "an order answered, median"), ("request_p99", "an order answered, 99th percentile"),
    ("delivery", "a mail delivered, median"), ("delivery_p99", "a mail delivered, 99th percentile"),
    ("drain", "last mail after the last order"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of one run; `at` is the load that it was seen at, where runs may have different ones of a name."""

    value: Interval | float
    at: float | None = None


Numbers = Mapping[Measure, Number]
"""All that a run holds beside its cells."""


def numbers_of(
    *, load: LoadFindings | None = None, mail: MailFindings | None = None, study: StudyFindings | None = None
) -> Numbers:
    """The numbers of a run by what they measure. Curves are left out: they draw what the tables hold."""
    found: dict[Measure, Number] = {}
    for part in (_of_load(load) if load else (), _of_mail(mail) if mail else (), _of_study(study) if study else ()):
        found.update(part)
    return found


def compared(before: Numbers, after: Numbers) -> tuple[NumberPair, ...]:
    """One pair for each number that both hold; the bounds of all that are of one kind hold at once."""
    pairs = [
        pair for measure, number in before.items() if measure in after
        if (pair := _pair(measure, number, after[measure]))
    ]  # fmt: skip
    kinds: dict[str, int] = {}
    for pair in pairs:
        if not pair.reason:
            kinds[pair.of.what] = kinds.get(pair.of.what, 0) + 1
    return tuple(pair if pair.reason else _judged(pair, of=kinds[pair.of.what]) for pair in pairs)


def against(after: Interval, before: Interval, *, of: int) -> Estimate:
    """The log-ratio of two independent intervals, both above 0; the bounds of `of` such ratios hold at once.

    Each interval's half-width on logs, the wider side of it, over its own t quantile is the standard error; then
    as in `effect.welch`. An interval that was simultaneous gives too wide a ratio, never one too narrow.
    """
    mean = log(after.estimate / before.estimate)
    errors = [_error(interval) for interval in (after, before)]
    total, blocks = sum(errors), after.blocks + before.blocks
    if total == 0:
        return Estimate(mean=mean, low=mean, high=mean, blocks=blocks, simultaneous=of, p=float(mean == 0))
    spread = sum(error**2 / (each.blocks - 1) for error, each in zip(errors, (after, before), strict=True))
    degrees, error = total**2 / spread, total**0.5
    half = float(special.stdtrit(degrees, 1 - (1 - statistics.LEVEL) / of / 2)) * error
    p = float(2 * special.stdtr(degrees, -abs(mean) / error))
    return Estimate(mean=mean, low=mean - half, high=mean + half, blocks=blocks, simultaneous=of, p=p)


def _error(interval: Interval) -> float:
    """The squared standard error of the logarithm."""
    half = max(log(interval.high / interval.estimate), log(interval.estimate / interval.low))
    return (half / float(special.stdtrit(interval.blocks - 1, (1 + statistics.LEVEL) / 2))) ** 2


def _pair(measure: Measure, before: Number, after: Number) -> NumberPair | None:
    """Both numbers, and why they give no ratio; None where they are exact and the same."""
    told = NumberPair(of=measure, before=before.value, after=after.value, note=_note(before, after))
    exact = [each for each in (before.value, after.value) if not isinstance(each, Interval) or each.low == each.high]
    if len(exact) == 2:
        plain = [each.estimate if isinstance(each, Interval) else each for each in (before.value, after.value)]
        return replace(told, reason="another number; it has no interval") if plain[0] != plain[1] else None
    if exact:
        return replace(told, reason="one of the runs has no interval of it")
    intervals = [each for each in (before.value, after.value) if isinstance(each, Interval)]
    reaching = [name for name, each in zip(("first", "second"), intervals, strict=True) if not each.low > 0]
    if reaching:
        return replace(told, reason=f"no ratio: the interval of the {' and the '.join(reaching)} run reaches 0")
    if min(each.blocks for each in intervals) < 2:
        return replace(told, reason="no ratio: its interval is not one over blocks")
    return told


def _note(before: Number, after: Number) -> str:
    """Where a load of one name, as half of what each run's arm carries, was another in the second run."""
    if not before.at or not after.at or abs(after.at / before.at - 1) <= LOAD_FAR:
        return ""
    return f"at {rate(before.at)}/s, then at {rate(after.at)}/s"


def _judged(pair: NumberPair, *, of: int) -> NumberPair:
    assert isinstance(pair.before, Interval)  # noqa: S101 - others have a reason
    assert isinstance(pair.after, Interval)  # noqa: S101 - as above
    found = against(pair.after, pair.before, of=of)
    word = judge(found).word
    return replace(
        pair, ratio=ratio(found), p=found.p, verdict="changed" if word in {"faster", "slower"} else word
    )  # fmt: skip


def _of_load(found: LoadFindings) -> Iterator[tuple[Measure, Number]]:
    blocks: dict[tuple[object, ...], int] = {}
    for cell in found.cells:
        arm = (cell.face, cell.variant)
        blocks[arm] = max(blocks.get(arm, 0), cell.achieved.blocks if cell.achieved else 0)
    for gain in found.gains:
        of = f"{name_of(gain.candidate)} against {name_of(gain.reference)}"
        variant = (*gain.candidate, *gain.reference)
        what = "capacity over another arm's"
        yield _on(gain.face, variant, what=what, of=of, unit="ratio", is_paired=True), Number(value=gain.ratio)
    for cost in found.costs:
        of = f"{name_of(cost.variant)}, {cost.step}"
        what = "CPU of a request over a bare one's"
        yield _on(cost.face, cost.variant, what=what, of=of, unit="ratio", is_paired=True), Number(value=cost.ratio)
    for each in found.scalabilities:
        bounds: tuple[tuple[str, Unit, Bound | None], ...] = (
            ("capacity", "rate", each.capacity), ("users at the knee", "number", each.knee),
        )  # fmt: skip
        for what, unit, bound in bounds:
            if bound and blocks.get((each.face, each.variant), 0) > 1:
                measure = _on(each.face, each.variant, what=what, of=name_of(each.variant), unit=unit)
                yield measure, Number(value=_interval(bound, blocks=blocks[each.face, each.variant]))
    for cell in found.cells:
        yield from _of_cell(cell)


def _of_cell(cell: LoadCell) -> Iterator[tuple[Measure, Number]]:
    of = f"{name_of(cell.variant)}, {cell.step}"
    at = cell.level if cell.kind == "open" else None
    for name, what in TIMES:
        value: Interval | None = getattr(cell, name)
        if value:
            yield _on(cell.face, cell.variant, what=what, of=of, unit="seconds"), Number(value=value, at=at)
    # Open arrivals come at the rate that was asked for, whatever is served.
    if cell.achieved and cell.kind == "closed":
        yield _on(cell.face, cell.variant, what="right answers", of=of, unit="rate"), Number(value=cell.achieved)
    for process, used in cell.cpu:
        if process != "generator":
            what = f"CPU of a request, {process}"
            yield _on(cell.face, cell.variant, what=what, of=of, unit="seconds"), Number(value=used, at=at)


def _on(face: str, variant: Variant, *, what: str, of: str, unit: Unit, is_paired: bool = False) -> Measure:
    """Of an arm: its name alone may be that of another one."""
    return Measure(what=what, of=of, face=face, variant=variant, unit=unit, is_paired=is_paired)


def _of_mail(found: MailFindings) -> Iterator[tuple[Measure, Number]]:
    for gain in found.gains:
        of = f"{gain.server} against {gain.reference}, {rate(gain.rate)} orders/s"
        for what, value in (("an order answered, ratio", gain.request), ("a mail delivered, ratio", gain.delivery)):
            yield Measure(what=what, of=of, unit="ratio", is_paired=True), Number(value=value)
    for name, what in MAILS:
        for cell in found.cells:
            told: Interval | None = getattr(cell, name)
            if told:
                yield (
                    Measure(what=what, of=f"{cell.server}, {rate(cell.rate)} orders/s", unit="seconds"),
                    Number(value=told),
                )


def _of_study(found: StudyFindings) -> Iterator[tuple[Measure, Number]]:
    for table in found.tables:
        width = _key_width(table)
        for row in table.rows if width else ():
            of = ", ".join(str(value) for value in row[:width])
            for column, value in zip(table.columns[width:], row[width:], strict=True):
                if isinstance(value, Interval | int | float):
                    is_paired = column.unit == "ratio"
                    what = f"{table.title}: {column.name.removesuffix(' [95 %]')}"
                    yield Measure(what=what, of=of, unit=column.unit, is_paired=is_paired), Number(value=value)


def _key_width(table: Table) -> int:
    """How many leading words tell the rows apart; 0 where words alone do not."""
    for width in count(1):
        if width > len(table.columns) or table.columns[width - 1].unit != "text":
            return 0
        if len({row[:width] for row in table.rows}) == len(table.rows):
            return width
    raise AssertionError


def _interval(bound: Bound, *, blocks: int) -> Interval:
    return Interval(estimate=bound.estimate, low=bound.low, high=bound.high, blocks=blocks)
