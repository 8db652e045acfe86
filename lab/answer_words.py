"""Yields the answer that a run gives to its question, in sentences: console and page show the same ones.

It computes nothing beyond what a sentence needs to choose its words.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from lab.distance_words import distances
from lab.findings import Block, Ceiling, Cell, Effect, Evidence, Proof
from lab.units import count, seconds, size
from lab.wording import (
    compared,
    effect_sentence,
    face_name,
    place,
    statement_costs,
    times_interval,
    varied_levels,
    verdict_phrase,
)

BUFFERS: Final = 0.2
"""The share of its buffers by which an arm has to differ, for an answer to say so."""


def answer(
    *,
    knobs: Sequence[str],
    held: Sequence[tuple[str, str]] = (),
    cells: Sequence[Cell],
    effects: Sequence[Effect],
    proofs: Sequence[Proof],
    blocks: Sequence[Block],
    along: Sequence[tuple[str, float]] = (),
    along_what: str = "",
    ceilings: Sequence[Ceiling] = (),
) -> tuple[str, ...]:
    """The answer in at most ten lines, the first of which answers the question."""
    parts = [effect for effect in effects if effect.kind == "part"]
    faces = [effect for effect in effects if effect.kind == "face"]
    if knobs:
        lines = _knob_answer(knobs, held=held, cells=cells, effects=effects)
    elif parts:
        numbers = dict(along)
        # Of operations that differ in a number the last speaks for all, beside how each arm grows.
        measured = [each for each in numbers if any(cell.operation == each for cell in cells)]
        last = max(measured, key=lambda operation: numbers[operation], default="")
        told = [part for part in parts if part.operation == last or part.operation not in numbers]
        lines = [*_growth_answer(numbers, what=along_what, cells=cells), *_part_answer(told, cells=cells)]
    else:
        lines = _face_answer(faces, cells=cells) if faces else _server_answer(effects)
    lines += distances(knobs=knobs, cells=cells, ceilings=ceilings)
    return (*lines, _trust(cells=cells, proofs=proofs, blocks=blocks))


def _knob_answer(
    knobs: Sequence[str], *, held: Sequence[tuple[str, str]], cells: Sequence[Cell], effects: Sequence[Effect]
) -> list[str]:
    whole = sorted((effect for effect in effects if effect.kind == "whole"), key=lambda each: each.typical.estimate)
    if whole:
        ends = dict.fromkeys((whole[-1], whole[0]))
        reach = [f"{times_interval(each.typical)} ({place(each.operation, each.face)})" for each in ends]
        fixed = f", with {' and '.join(f'{knob} = {level}' for knob, level in held)}" if held else ""
        head = f"All {len(knobs)} knobs together{fixed}: {' to '.join(reach)}."
    else:
        head = "The question cannot be answered: all off or all on was not measured."
    places = dict.fromkeys((cell.operation, cell.face) for cell in cells)
    lines = [_place_answer(knobs, operation=o, face=f, cells=cells, effects=effects) for o, f in places]
    return [head, *lines, *_statements(cells)]


def _place_answer(
    knobs: Sequence[str], *, operation: str, face: str, cells: Sequence[Cell], effects: Sequence[Effect]
) -> str:
    """What one operation takes through one face on the way, and what each knob does to it without the cache."""
    here = {cell.variant: cell for cell in cells if (cell.operation, cell.face) == (operation, face) and cell.service}
    named = {
        "all off": dict.fromkeys(knobs, False),
        "all on but the cache": {knob: knob != "cache" for knob in knobs} if "cache" in knobs else {},
        "all on": dict.fromkeys(knobs, True),
    }
    steps = [
        f"{seconds(cell.service.estimate)} {name}"
        for name, wanted in named.items()
        for variant, cell in here.items()
        if cell.service and {knob: level != "off" for knob, level in variant if knob in knobs} == wanted
    ]
    own = [e for e in effects if (e.operation, e.face, e.kind) == (operation, face, "conditional")]
    strongest = sorted(own, key=lambda effect: effect.typical.estimate)
    text = ", ".join(map(_short, strongest)) or "not measured"
    given = f"at {strongest[0].given}: " if strongest and strongest[0].given else ""
    return f"{place(operation, face)}: {', '.join(steps) or 'not measured'}; {given}{text}."


def _short(effect: Effect) -> str:
    """An effect in a list: what the interval does not tell apart is called so."""
    said = f"{effect.subject} {times_interval(effect.typical)}"
    return f"{said} {verdict_phrase(effect)}" if effect.verdict in {"unclear", "same"} or effect.detail else said


def _statements(cells: Sequence[Cell]) -> list[str]:
    """What a lazily loaded page costs in statements, and what each knob removes of it."""
    for operation, face in dict.fromkeys((cell.operation, cell.face) for cell in cells):
        costs = statement_costs(cells, operation=operation, face=face)
        lazy, loaded = costs.pop("all off", 0), costs.pop("all on", 0)
        if lazy > loaded > 0:
            removed = ", ".join(f"{knob} removes {lazy - cost}" for knob, cost in costs.items())
            return [
                (
                    f"{place(operation, face)}, loaded lazily, costs {count(lazy)} statements a page; {removed}, "
                    f"both together leave {loaded}."
                )
            ]
    return []


def _part_answer(parts: Sequence[Effect], *, cells: Sequence[Cell]) -> list[str]:
    """What each part costs, place by place: time, and statements, or else buffers, where they differ."""
    lines = []
    variants = [cell.variant for cell in cells]
    for operation, face in dict.fromkeys((effect.operation, effect.face) for effect in parts):
        here = [cell for cell in cells if (cell.operation, cell.face) == (operation, face)]
        named = {varied_levels(cell.variant, among=variants): cell for cell in here}
        own = [effect for effect in parts if (effect.operation, effect.face) == (operation, face)]
        told = "; ".join(f"{_short(effect)}{_counted(effect, named)}" for effect in own)
        lines.append(f"{place(operation, face)}: {told}.")
    return lines


def _counted(effect: Effect, named: Mapping[str, Cell]) -> str:
    """What a part adds in statements, or where it adds none what it reads; nothing where that is about the same."""
    counted = [cell.cold for name in effect.given.split(" / ") if (cell := named.get(name)) and cell.cold]
    if len(counted) != 2:
        return ""
    candidate, reference = counted
    more = candidate.statement_count - reference.statement_count
    if more:
        return f" with {abs(more)} statement{'s' * (abs(more) != 1)} {'more' if more > 0 else 'less'}"
    read, before = candidate.shared_buffers, reference.shared_buffers
    if abs(read - before) <= BUFFERS * before:
        return ""
    return f" with {count(read)} buffers in place of {count(before)}"


def _growth_answer(numbers: Mapping[str, float], *, what: str, cells: Sequence[Cell]) -> list[str]:
    """How the arms of each face grow from the least number to the greatest: in statements exactly, and in time."""
    lines = []
    variants = [cell.variant for cell in cells]
    own = sorted((cell for cell in cells if cell.operation in numbers), key=lambda cell: numbers[cell.operation])
    for face in dict.fromkeys(cell.face for cell in own):
        here = [cell for cell in own if cell.face == face]
        ends = [numbers[cell.operation] for cell in (here[0], here[-1])]
        arms = [[cell for cell in here if cell.variant == each] for each in dict.fromkeys(c.variant for c in here)]
        said = [
            f"{varied_levels(arm[0].variant, among=variants)} {_grown(arm[0], arm[-1])}"
            for arm in arms
            if [numbers[cell.operation] for cell in (arm[0], arm[-1])] == ends and all(cell.service for cell in arm)
        ]
        if said and ends[0] != ends[-1]:
            lines.append(f"{face_name(face)}, {ends[0]:g} to {ends[-1]:g} {what}: {'; '.join(said)}.")
    return lines


def _grown(first: Cell, last: Cell) -> str:
    """From what one cell takes to what another one does."""
    counts = dict.fromkeys(count(cell.cold.statement_count) for cell in (first, last) if cell.cold)
    times = [seconds(cell.service.estimate) for cell in (first, last) if cell.service]
    return f"{' to '.join(counts)} statements, {' to '.join(times)}"


def _face_answer(faces: Sequence[Effect], *, cells: Sequence[Cell]) -> list[str]:
    """What GraphQL is to REST, operation by operation: time, and the bytes, trips and statements behind it."""
    lines = []
    for effect in faces:
        found = {cell.face: cell.cold for cell in cells if cell.operation == effect.operation and cell.cold}
        graphql, rest = found.get("graphql"), found.get("rest")
        fetched = f", {_fetched(graphql)} against {_fetched(rest)}" if graphql and rest else ""
        saved = rest.trips - graphql.trips if graphql and rest else 0
        far = (
            f"; here client and server are one machine, each millisecond between them adds {saved} ms more to REST's"
            if saved > 0
            else ""
        )
        lines.append(f"{effect.operation}: {_compared(effect)}{fetched}{far}.")
    return lines


def _compared(effect: Effect) -> str:
    """How GraphQL compares with REST, by the number that the verdict is about."""
    typical = times_interval(effect.typical)
    if effect.verdict == "same":
        return f"GraphQL takes the same time as REST, {typical}"
    if effect.verdict not in {"faster", "slower"}:
        return f"which face is faster is unclear, GraphQL is {typical}"
    if effect.detail == "in total" and effect.total:
        return f"GraphQL is {times_interval(effect.total)} than REST in total, though not for the typical request"
    if effect.detail:
        return f"GraphQL is {verdict_phrase(effect)} than REST, for the typical one {typical}"
    return f"GraphQL is {typical} than REST"


def _fetched(evidence: Evidence) -> str:
    trips = f"{evidence.trips} trip{'s' * (evidence.trips != 1)}"
    return f"{size(evidence.body_bytes)} in {trips} and {evidence.statement_count} statements"


def _server_answer(effects: Sequence[Effect]) -> list[str]:
    own = [effect for effect in effects if effect.kind == "server"]
    if not own:
        return ["The question cannot be answered: nothing was compared."]
    changed = [effect for effect in own if effect.verdict in {"faster", "slower"}]
    unclear = [effect for effect in own if effect.verdict == "unclear"]
    if changed:
        head = f"A difference in {len(changed)} of {len(own)} comparisons: {effect_sentence(changed[0])}."
    elif unclear:
        head = f"No difference was found, but {len(unclear)} of {len(own)} comparisons are unclear: measure longer."
    else:
        widest = max(max(effect.typical.high - 1, 1 - effect.typical.low) for effect in own)
        head = f"The same: all {len(own)} comparisons, the widest bound {widest:.1%} from no difference."
    return [head, *(effect_sentence(effect) for effect in own)]


def _trust(*, cells: Sequence[Cell], proofs: Sequence[Proof], blocks: Sequence[Block]) -> str:
    measured = sum(cell.state == "measured" for cell in cells)
    answers = sum(proof.answers for proof in proofs)
    void = sum(bool(block.void) for block in blocks)
    counted = [e for cell in cells for e in (cell.cold, cell.warm) if e and e.counted_by_database is not None]
    agreed = sum(evidence.counted_by_database == evidence.statement_count for evidence in counted)
    witness = f"; PostgreSQL's own count of statements agrees in {agreed} of {len(counted)} requests" if counted else ""
    return (
        f"{measured} of {len(cells)} cells measured in {len(blocks) - void} of {len(blocks)} blocks; "
        f"{compared(answers)}{witness}."
    )
