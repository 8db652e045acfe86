"""Yields every sentence that people read of a run: console, HTML, Markdown and gate take their words from here.

It computes nothing beyond what a sentence needs to choose its words.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lab.findings import Block, Cell, Effect, Interval, Proof, Statement
from lab.load_findings import LoadCell, LoadFindings
from lab.units import count, factor, is_near_one, rate, ratio, seconds, share, times


def interval(value: Interval) -> str:
    """A ratio with its interval, as in `0.412 [0.405, 0.419]`."""
    return f"{ratio(value.estimate)} [{ratio(value.low)}, {ratio(value.high)}]"


def times_interval(value: Interval) -> str:
    """A ratio in words with its interval, as in `12.4x faster [12.1x, 12.8x]`; a percentage near one."""
    low, high = value.low, value.high
    if low < 1 < high:
        # Neither way is sure: signed percentages, or plain ratios where those would be large.
        form = _change if low > 1 / 3 and high < 3 else ratio
        return f"{form(value.estimate)} [{form(low)}, {form(high)}]"
    if value.estimate < 1:
        low, high = high, low
    form = share if is_near_one(value.estimate) else factor
    return f"{times(value.estimate)} [{form(low)}, {form(high)}]"


def _change(value: float) -> str:
    return f"{(value - 1) * 100:+.1f} %"


def variant_name(variant: Sequence[tuple[str, str]]) -> str:
    """A variant in one phrase: `all off`, `all on`, or the knobs that are on, as in `select_related + indexes`."""
    on = [knob if level in {"on", "both"} else f"{knob} {level}" for knob, level in variant if level != "off"]
    if not on:
        return "all off"
    return "all on" if len(on) == len(variant) > 1 else " + ".join(on)


def varied_levels(variant: Sequence[tuple[str, str]], *, among: Iterable[Sequence[tuple[str, str]]]) -> str:
    """A variant by its levels of what differs among all of them, as in `token, user`."""
    settings = [dict(each) for each in among]
    return ", ".join(level for knob, level in variant if len({setting.get(knob) for setting in settings}) > 1)


def verdict_phrase(effect: Effect) -> str:
    """The verdict as it is printed: `faster`, `slower for some requests`, `same`, `unclear`."""
    return " ".join(filter(None, (effect.verdict, effect.detail)))


def place(operation: str, face: str) -> str:
    """An operation and a face in one phrase, as in `product_list, REST`."""
    return f"{operation}, {_face(face)}" if face else operation


def effect_sentence(effect: Effect) -> str:
    """One effect in one sentence."""
    where = place(effect.operation, effect.face)
    given = f" at {effect.given}" if effect.given else ""
    if effect.kind == "part":
        given = f" ({effect.given})"
    if effect.kind == "interaction":
        return f"{where}: {effect.subject}{given} is a ratio of ratios of {interval(effect.typical)}"
    return f"{where}: {effect.subject}{given} is {times_interval(effect.typical)}: {verdict_phrase(effect)}"


def repeated_statement(statement: Statement) -> str:
    """An N+1 named as such."""
    return f"N+1: the same statement {statement.count} times, from {statement.line}"


def answer(
    *,
    knobs: Sequence[str],
    held: Sequence[tuple[str, str]] = (),
    cells: Sequence[Cell],
    effects: Sequence[Effect],
    proofs: Sequence[Proof],
    blocks: Sequence[Block],
) -> tuple[str, ...]:
    """The answer in at most ten lines, the first of which answers the question."""
    parts = [effect for effect in effects if effect.kind == "part"]
    if knobs:
        lines = _knob_answer(knobs, held=held, cells=cells, effects=effects)
    else:
        lines = _part_answer(parts, cells=cells) if parts else _server_answer(effects)
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


def statement_costs(cells: Sequence[Cell], *, operation: str, face: str) -> dict[str, int]:
    """Statements that one request costs, by variant name, over the cells without a cache."""
    return {
        variant_name([pair for pair in cell.variant if pair[0] not in {"cache", "indexes"}]): cell.cold.statement_count
        for cell in cells
        if (cell.operation, cell.face) == (operation, face) and cell.cold and dict(cell.variant).get("cache") == "off"
    }


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
    """What each part costs, place by place: time, and statements where they differ."""
    lines = []
    for operation, face in dict.fromkeys((effect.operation, effect.face) for effect in parts):
        here = [cell for cell in cells if (cell.operation, cell.face) == (operation, face)]
        named = {varied_levels(cell.variant, among=[each.variant for each in here]): cell for cell in here}
        own = [effect for effect in parts if (effect.operation, effect.face) == (operation, face)]
        told = "; ".join(f"{_short(effect)}{_more_statements(effect, named)}" for effect in own)
        lines.append(f"{place(operation, face)}: {told}.")
    return lines


def _more_statements(effect: Effect, named: Mapping[str, Cell]) -> str:
    """What a part adds in statements, or nothing where that was not counted or is none."""
    counted = [
        cell.cold.statement_count for name in effect.given.split(" / ") if (cell := named.get(name)) and cell.cold
    ]
    more = counted[0] - counted[1] if len(counted) == 2 else 0
    return f" with {abs(more)} statement{'s' * (abs(more) != 1)} {'more' if more > 0 else 'less'}" if more else ""


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


def load_answer(found: LoadFindings, *, proofs: Sequence[Proof]) -> tuple[str, ...]:
    """What a run under load answers, in at most ten lines."""
    faces = dict.fromkeys(cell.face for cell in found.cells)
    lines = [line for face in faces for line in _capacity_answer(found, face=face)]
    if not lines:
        lines = [line for face in faces for line in _load_answer(found, face=face)]
    valid = sum(cell.state == "measured" for cell in found.cells)
    answers = sum(proof.answers for proof in proofs)
    trust = f"{valid} of {len(found.cells)} loads are valid; {count(answers)} answers compared before timing, all equal"
    if found.statements:
        run, due = map(count, found.statements)
        trust += f"; PostgreSQL ran {run} statements under load where {due} were due"
    return (*(lines or ["The question cannot be answered: all off or all on was not measured."]), f"{trust}.")


def _capacity_answer(found: LoadFindings, *, face: str) -> list[str]:
    """What a face carries at its first arm and at its last."""
    own = [each for each in found.scalabilities if each.face == face and each.capacity]
    if not own:
        return []
    said = []
    for each in dict.fromkeys((own[0], own[-1])):
        assert each.capacity  # noqa: S101 - the others were left out above
        low, high = rate(each.capacity.low), rate(each.capacity.high)
        by = " (where the generator ended it)" if each.limit == "generator" else ""
        said.append(f"{rate(each.capacity.estimate)} [{low}, {high}] requests/s {variant_name(each.variant)}{by}")
    gain = next((g for g in found.gains if (g.face, g.candidate) == (face, own[-1].variant)), None)
    more = f": {factor(gain.ratio.estimate)} [{factor(gain.ratio.low)}, {factor(gain.ratio.high)}]" if gain else ""
    return [f"{_face(face)} carries {', '.join(said)}{more}."]


def _load_answer(found: LoadFindings, *, face: str) -> list[str]:
    """Step by step, what a request takes at a face's first arm and at its last; a rate that both met comes first."""
    said: list[str] = []
    for step in dict.fromkeys(cell.step for cell in found.cells if cell.face == face):
        cells = [cell for cell in found.cells if (cell.face, cell.step) == (face, step)]
        first, last = cells[0], cells[-1]
        if first is last or "void" in {first.state, last.state}:
            continue
        if first.level == last.level:
            ends = "; ".join(_loaded(cell) for cell in (first, last))
            said.insert(0, f"{_face(face)} at {step} of {rate(first.level)}/s: {ends}.")
        else:
            ends = "; ".join(_loaded(cell, at=f" at {rate(cell.level)}/s") for cell in (first, last))
            said.append(f"{_face(face)} at {step}: {ends}.")
    return said


def _loaded(cell: LoadCell, *, at: str = "") -> str:
    assert cell.p50  # noqa: S101 - a measured cell has its times
    assert cell.p99  # noqa: S101
    cpu = sum(each.estimate for name, each in cell.cpu if name != "generator")
    times_of = f"p50 {seconds(cell.p50.estimate)}, p99 {seconds(cell.p99.estimate)}"
    return f"{variant_name(cell.variant)}{at} {times_of}, {seconds(cpu)} of CPU a request"


def _face(face: str) -> str:
    return {"rest": "REST", "graphql": "GraphQL"}.get(face, face)


def _trust(*, cells: Sequence[Cell], proofs: Sequence[Proof], blocks: Sequence[Block]) -> str:
    measured = sum(cell.state == "measured" for cell in cells)
    answers = sum(proof.answers for proof in proofs)
    void = sum(bool(block.void) for block in blocks)
    counted = [e for cell in cells for e in (cell.cold, cell.warm) if e and e.counted_by_database is not None]
    agreed = sum(evidence.counted_by_database == evidence.statement_count for evidence in counted)
    witness = f"; PostgreSQL's own count of statements agrees in {agreed} of {len(counted)} requests" if counted else ""
    return (
        f"{measured} of {len(cells)} cells measured in {len(blocks) - void} of {len(blocks)} blocks; "
        f"{count(answers)} answers compared before timing, all equal{witness}."
    )


METHOD: Final = """
Every arm answered the same seeded requests, one at a time, interleaved in random order; any two arms were compared
only over passes in which both ran. Each block had server processes of its own.

A block gives one value per comparison: the 20 % trimmed mean of the log-ratios of its pairs, the typical request.
Beside it stands the ratio of the sums, the total, which a few slow requests move; both decide, and between two
servers the share of slow requests too. A request above 250 ms is asked once in every second block, with one of the
keys. The estimate is the mean over blocks, the interval a t interval over blocks. The intervals of one kind of effect
hold together at 95 % (max-T on p-values), so that looking at many does not make one of them lie.

Verdicts: slower or faster when a whole interval is beyond the tolerance of 2 %; same when all lie inside 5 % and the
estimates inside 2 %; else unclear, which is no pass.

A cached cell is measured warm: its keys were answered before, and the keys replayed are among them.

Before timing, the answers of every arm were read into the same values and compared with the first arm's.

Statements, rows and buffers are counted in a pass of their own, and the statements held against PostgreSQL's own
count.
"""


def method() -> tuple[str, ...]:
    """How the figures were made, a paragraph each, for a reader who was not there."""
    return tuple(" ".join(paragraph.split()) for paragraph in METHOD.strip().split("\n\n"))
