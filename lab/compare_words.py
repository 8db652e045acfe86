"""Yields what two runs against each other say, in sentences for console and page alike. It computes nothing."""

from collections.abc import Iterator, Sequence

from lab.compare_findings import CellPair, Comparison, EffectPair, NumberPair
from lab.units import ratio, share
from lab.wording import face_name, interval, place, times_interval, variant_name


def answer(found: Comparison) -> tuple[str, ...]:
    """The answer, the surest part first: effects were paired within each run, cells were not."""
    lines = [
        _effects(found.effects), *_numbers(found.numbers), _cells(found.cells), _counted(found.cells), _floors(found),
        _alone(found),
    ]  # fmt: skip
    return tuple(line for line in lines if line)


def cell_name(cell: CellPair, *, cells: Sequence[CellPair]) -> str:
    """A cell of its operation and face in a phrase: its setting, and its server where there are several."""
    servers = {each.server for each in cells}
    name = variant_name(cell.variant)
    return f"{cell.server}, {name}" if len(servers) > 1 else name


def _effects(effects: Sequence[EffectPair]) -> str:
    if not effects:
        return ""
    changed = sorted((e for e in effects if e.verdict == "changed"), key=lambda e: -_far(e.ratio.estimate))
    head = f"Of the {len(effects)} effects that both runs have, {_tally([effect.verdict for effect in effects])}"
    if not changed:
        return f"{head}; each was paired within its own run."
    most = changed[0]
    given = f" at {most.given}" if most.given else ""
    return (
        f"{head}; each was paired within its own run. Most: {place(most.operation, most.face)}, {most.subject}{given}, "
        f"from {interval(most.before)} to {interval(most.after)}."
    )


def _numbers(numbers: Sequence[NumberPair]) -> Iterator[str]:
    """What was paired within each run first; then what was not; then what has no ratio."""
    ratios = [number for number in numbers if number.ratio]
    paired = [number for number in ratios if number.of.is_paired]
    for some, what in (
        (paired, "ratios that both runs took within themselves"),
        ([each for each in ratios if not each.of.is_paired], "numbers that both runs have with an interval"),
    ):
        if some:
            yield _tallied(some, what=what)
    if plain := len(numbers) - len(ratios):
        yield f"{plain} further number{'s are' if plain > 1 else ' is'} shown without a ratio, each with its reason."
    if moved := sum(bool(number.note) for number in numbers):
        yield (
            f"{moved} number{'s were' if moved > 1 else ' was'} seen at another rate than in the first run, since a "
            "load may be a share of what its own run carried: each says at which."
        )


def _tallied(numbers: Sequence[NumberPair], *, what: str) -> str:
    said = f"Of the {len(numbers)} {what}, {_tally([number.verdict for number in numbers])}"
    changed = sorted(
        (number for number in numbers if number.verdict == "changed"),
        key=lambda number: -_far(number.ratio.estimate if number.ratio else 1.0),
    )
    if not changed:
        return f"{said}."
    of, most = changed[0].of, changed[0].ratio
    assert most  # noqa: S101 - those without one are never called changed
    where = ", ".join(filter(None, (face_name(of.face), of.of)))
    return f"{said}. Most: {of.what} ({where}), {interval(most)} times what it was."


def _cells(cells: Sequence[CellPair]) -> str:
    if not cells:
        return ""
    sure = sorted((c for c in cells if c.verdict in {"faster", "slower"}), key=lambda c: -_far(_estimate(c)))
    said = f"Of the {len(cells)} cells that both runs have, the second run's are {_tally([c.verdict for c in cells])}"
    if not sure or sure[0].ratio is None:
        return f"{said}."
    name = cell_name(sure[0], cells=cells)
    return f"{said}. Most: {place(sure[0].operation, sure[0].face)}, {name}, {times_interval(sure[0].ratio)}."


def _counted(cells: Sequence[CellPair]) -> str:
    if not cells:
        return ""
    other = [cell for cell in cells if cell.is_counted_otherwise]
    if not other:
        return "What requests did, counted, is the same wherever both runs counted."
    return f"{len(other)} of {len(cells)} cells did something else, counted: see what explains them."


def _floors(found: Comparison) -> str:
    """How far the machine may have moved, since no interval between independent runs knows that."""
    caution = "The runs are not paired: what the machine did between them is in every ratio of times"
    if not found.floors:
        return f"{caution}."
    ratios = sorted(floor.ratio for floor in found.floors)
    far = max(ratios, key=_far)
    return (
        f"{caution}. The floor, a bare view of the same servers, took {ratio(ratios[0])} to {ratio(ratios[-1])} times "
        f"as long: differences up to {share(far)} may be the machine's."
    )


def _alone(found: Comparison) -> str:
    parts = [
        f"{count} {'cell' if found.cells else 'number'}{'s' * (count != 1)} of the {name} run"
        for name, count in (("first", found.alone_before), ("second", found.alone_after))
        if count
    ]
    return f"Not compared, since the other run lacks them: {' and '.join(parts)}." if parts else ""


def _tally(verdicts: Sequence[str]) -> str:
    counts = {word: verdicts.count(word) for word in ("changed", "slower", "faster", "same", "unclear", "void")}
    if len(set(verdicts)) == 1:
        return f"all {'the same' if verdicts[0] == 'same' else verdicts[0]}"
    said = [f"{n} {'the same' if word == 'same' else word}" for word, n in counts.items() if n]
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said)


def _estimate(cell: CellPair) -> float:
    return cell.ratio.estimate if cell.ratio else 1.0


def _far(value: float) -> float:
    return max(value, 1 / value) if value else float("inf")
