"""Yields the sentences of a study of indexes. It computes nothing beyond what a sentence needs to choose its words."""

from collections.abc import Mapping, Sequence
from typing import Final

from lab.findings import Interval
from lab.index_costs import Cost
from lab.index_list import Listed, SecondaryIndex
from lab.index_numbers import Saving
from lab.units import count, seconds, size
from lab.verdict import TOLERANCE
from lab.wording import paragraphs, place, times_interval

_METHOD: Final = """
The indexes are those that the database names: all that are neither unique nor behind a constraint. Whether an
operation uses one is what PostgreSQL's own plans say: of the database with all of them, and of one that has it alone.
What no plan uses is not timed, for without it nothing is read another way.

Each index that is used has a server with two databases of its own: one with all indexes but this, and one with this
alone. They are compared with a server on all indexes and on none: all answer the same requests in turn, in drawn
order, in blocks with processes of their own. The intervals of these ratios hold together at 95 %; those of all indexes
against none are t intervals, each by itself.

Beside all others an index saves only what no other one can: where two serve the same statement, the second saves
little. Alone it saves what it can do at the most.

What a row costs: tables with the same rows stand side by side, each with another set of indexes, in a database of
their own. The newest rows of the dataset are held back, and inserted into all of these tables in turn, some at a
time, in drawn order; time, WAL and buffers are PostgreSQL's own, and the intervals are t intervals over blocks, each
with a connection of its own. Foreign keys are left out, and so is all that a request does besides: of a whole order
or review the index takes a smaller part.

Sizes are those of the files, freshly built: an index that lived for long is larger.
"""


def method() -> tuple[str, ...]:
    """How it was measured, by paragraphs."""
    return paragraphs(_METHOD)


def answer(
    listed: Listed, *, savings: Sequence[Saving], together: Sequence[Saving], costs: Mapping[str, Cost], trust: str
) -> tuple[str, ...]:
    """The answer: all of them, then index by index what it serves, saves and costs, then those that nobody uses."""
    if not listed.indexes:
        return ("The question cannot be answered: the database has no secondary index, or the run ended before.",)
    return (
        *_together(listed, together),
        *(
            f"{index.name}: {_saves([s for s in savings if s.index == index.name])}, {size(index.size)}"
            f"{_cost(costs[index.name])}."
            for index in listed.used
        ),
        *_unused(listed),
        *filter(None, (trust,)),
    )


def _together(listed: Listed, together: Sequence[Saving]) -> list[str]:
    whole = size(sum(index.size for index in listed.indexes))
    told = "; ".join(f"{place(each.operation, each.face)} {_ratio(each)}" for each in together if each.ratio)
    head = f"All {len(listed.indexes)} indexes together take {whole}"
    return [f"{head}: {told} with them." if told else f"{head}."]


def _saves(savings: Sequence[Saving]) -> str:
    """What it saves beside all others, and else alone: nothing where no interval says so."""
    beside = [each for each in savings if not each.is_alone and is_faster(each.ratio)]
    alone = [each for each in savings if each.is_alone and is_faster(each.ratio)]
    if beside:
        return "; ".join(_told(each) for each in beside)
    if alone:
        return f"saves nothing that others do not; alone {'; '.join(_told(each) for each in alone)}"
    return "used, and nothing is faster by it"


def is_faster(ratio: Interval | None) -> bool:
    """Whether a whole interval says that it takes less time with it than without, beyond what is nobody's concern."""
    return ratio is not None and ratio.high < 1 / (1 + TOLERANCE)


def _told(saving: Saving) -> str:
    with_it, without = saving.buffers
    read = f" (buffers {count(without)} → {count(with_it)})" if with_it is not None and without is not None else ""
    return f"{place(saving.operation, saving.face)} {_ratio(saving)}{read}"


def _ratio(saving: Saving) -> str:
    return times_interval(saving.ratio) if saving.ratio else "not measured"


def _cost(cost: Cost) -> str:
    if cost.ratio is None or cost.seconds is None:
        return f", what a row costs is not known: {cost.reason}"
    return f", a row {change(cost.ratio)}, {seconds(cost.seconds.estimate)} more"


def change(ratio: Interval) -> str:
    """A ratio as a change in per cent, with its interval."""
    told = (f"{(each - 1) * 100:+.1f}" for each in (ratio.estimate, ratio.low, ratio.high))
    return "{} % [{}, {}]".format(*told)


def _unused(listed: Listed) -> list[str]:
    used = {index.name for index in listed.used}
    unused = [index for index in listed.indexes if index.name not in used]
    if not unused:
        return ["Every index is used by an operation."]
    asked = {index.table for index in listed.used}
    beside = [index for index in unused if index.table in asked]
    elsewhere = [index for index in unused if index.table not in asked]
    told = []
    if beside:
        told.append(f"No operation that was asked uses, beside others or alone, {_listed(beside)}.")
    if elsewhere:
        told.append(f"Nothing is said of {_listed(elsewhere)}: what was asked uses no index of their tables.")
    return told


def _listed(indexes: Sequence[SecondaryIndex]) -> str:
    return f"{size(sum(index.size for index in indexes))} in all: {', '.join(index.name for index in indexes)}"
