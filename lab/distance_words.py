"""Yields the sentences that say how far answers are from what PostgreSQL alone needs for them. It computes nothing."""

from collections.abc import Sequence
from typing import Final

from lab.experiment import PAGING
from lab.findings import Ceiling, Cell
from lab.units import seconds
from lab.wording import face_name, interval, varied_levels

MOST: Final = 6
"""Cells of an operation that a sentence names; of more it names the nearest and the farthest."""

LINES: Final = 3


def distances(*, knobs: Sequence[str], cells: Sequence[Cell], ceilings: Sequence[Ceiling]) -> list[str]:
    """One sentence where knobs are turned, else one for each of the first operations; none where nothing is known."""
    told = []
    for ceiling in ceilings:
        own = [cell for cell in cells if _place(cell) == (ceiling.operation, ceiling.paging) and cell.ceiling_ratio]
        if knobs:
            own = [cell for cell in own if _is_all_on(cell, knobs=knobs)]
        if own:
            told.append((ceiling, _multiples(own)))
    if not told:
        return []
    if not knobs:
        return [
            f"{named(each)}: PostgreSQL alone needs {seconds(each.service.estimate)} to write the same answer as "
            f"JSON; the API takes {multiples}."
            for each, multiples in told[:LINES]
        ]
    setting = "all on but the cache" if "cache" in knobs else "all on"
    parts = "; ".join(f"{named(each)} ({seconds(each.service.estimate)}) {multiples}" for each, multiples in told)
    return [f"With {setting} the API beside PostgreSQL alone, which writes the same answer as JSON: {parts}."]


def named(ceiling: Ceiling) -> str:
    """What it is the ceiling of, as in `product_list_page_1000 by keyset`."""
    return f"{ceiling.operation} by {ceiling.paging}" if ceiling.paging else ceiling.operation


def _place(cell: Cell) -> tuple[str, str]:
    return cell.operation, dict(cell.variant).get(PAGING, "")


def _is_all_on(cell: Cell, *, knobs: Sequence[str]) -> bool:
    """Whether a cell has every optimisation but the cache, of which a hit asks no database."""
    levels = dict(cell.variant)
    return all((levels[knob] == "off") == (knob == "cache") for knob in knobs if knob in levels)


def _multiples(cells: Sequence[Cell]) -> str:
    """How many times that each cell takes, the nearest first, as in `2.41 [2.31, 2.52] times that with database`."""
    found = sorted((cell.ceiling_ratio.estimate, _named(cell, among=cells)) for cell in cells if cell.ceiling_ratio)
    texts = [text for _, text in found]
    first, *others = texts if len(texts) <= MOST else (texts[0], texts[-1])
    ratio, _, name = first.partition("]")
    return (", " if len(texts) <= MOST else " to ").join([f"{ratio}] times that{name}", *others])


def _named(cell: Cell, *, among: Sequence[Cell]) -> str:
    """A cell's multiple, and by what it differs from the others."""
    assert cell.ceiling_ratio  # noqa: S101 - only cells with one are named
    words = [interval(cell.ceiling_ratio)]
    if len({each.face for each in among}) > 1:
        words.append(f"through {face_name(cell.face)}")
    if len({each.server for each in among}) > 1:
        words.append(f"on {cell.server}")
    if levels := varied_levels(cell.variant, among=[each.variant for each in among]):
        words.append(f"with {levels}")
    return " ".join(words)
