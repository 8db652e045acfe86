"""Yields every sentence that people read of a run: console, HTML, Markdown and gate take their words from here.

It computes nothing beyond what a sentence needs to choose its words.
"""

from collections.abc import Sequence
from typing import Final

from lab.findings import Block, Cell, Effect, Interval, Proof, Statement
from lab.units import count, ratio, seconds, times

CONDITION: Final = "cache = off"


def interval(value: Interval) -> str:
    """A ratio with its interval, as in `0.412 [0.405, 0.419]`."""
    return f"{ratio(value.estimate)} [{ratio(value.low)}, {ratio(value.high)}]"


def times_interval(value: Interval) -> str:
    """A ratio in words with its interval, as in `12.4x faster [12.1x, 12.8x]`; a percentage below 1.1x."""
    estimate = value.estimate
    if 1 / 1.1 < estimate < 1.1:
        return f"{(estimate - 1) * 100:+.1f} % [{(value.low - 1) * 100:+.1f} %, {(value.high - 1) * 100:+.1f} %]"
    if estimate > 1:
        return f"{times(estimate)} [{ratio(value.low)}x, {ratio(value.high)}x]"
    return f"{times(estimate)} [{ratio(1 / value.high)}x, {ratio(1 / value.low)}x]"


def variant_name(variant: Sequence[tuple[str, str]]) -> str:
    """A variant in one phrase: `all off`, `all on`, or the knobs that are on, as in `select_related + indexes`."""
    on = [knob if level in {"on", "both"} else f"{knob} {level}" for knob, level in variant if level != "off"]
    if not on:
        return "all off"
    return "all on" if len(on) == len(variant) > 1 else " + ".join(on)


def verdict_phrase(effect: Effect) -> str:
    """The verdict as it is printed: `faster`, `slower for some requests`, `same`, `unclear`."""
    return " ".join(filter(None, (effect.verdict, effect.detail)))


def effect_sentence(effect: Effect) -> str:
    """One effect in one sentence."""
    where = " ".join(filter(None, (effect.operation, f"({effect.face})" if effect.face else "")))
    given = f" at {effect.given}" if effect.given else ""
    if effect.kind == "interaction":
        return f"{where}: {effect.subject}{given} is a ratio of ratios of {interval(effect.typical)}"
    return f"{where}: {effect.subject}{given} is {times_interval(effect.typical)}: {verdict_phrase(effect)}"


def repeated_statement(statement: Statement) -> str:
    """An N+1 named as such."""
    return f"N+1: the same statement {statement.count} times, from {statement.line}"


def answer(
    *,
    knobs: Sequence[str],
    cells: Sequence[Cell],
    effects: Sequence[Effect],
    proofs: Sequence[Proof],
    blocks: Sequence[Block],
) -> tuple[str, ...]:
    """The answer in at most ten lines, the first of which answers the question."""
    lines = _knob_answer(knobs, cells=cells, effects=effects) if knobs else _server_answer(effects)
    return (*lines, _trust(cells=cells, proofs=proofs, blocks=blocks))


def _knob_answer(knobs: Sequence[str], *, cells: Sequence[Cell], effects: Sequence[Effect]) -> list[str]:
    lines: list[str] = []
    gains: list[tuple[float, str]] = []
    places = list(dict.fromkeys((cell.operation, cell.face) for cell in cells))
    for operation, face in places:
        here = {
            cell.variant: cell for cell in cells if (cell.operation, cell.face) == (operation, face) and cell.service
        }
        first = next((cell for variant, cell in here.items() if variant_name(variant) == "all off"), None)
        last = next((cell for variant, cell in here.items() if variant_name(variant) == "all on"), None)
        warm = next((c for v, c in here.items() if dict(v).get("cache") == "off" and _on(v) == len(knobs) - 1), None)
        own = [e for e in effects if (e.operation, e.face, e.kind) == (operation, face, "conditional")]
        strongest = sorted(own, key=lambda effect: effect.typical.estimate)
        text = ", ".join(f"{effect.subject} {times_interval(effect.typical)}" for effect in strongest)
        if first and last and first.service and last.service:
            gains.append((first.service.estimate / last.service.estimate, f"{operation} ({face})"))
            path = [seconds(c.service.estimate) for c in (first, warm, last) if c and c.service]
            lines.append(f"{operation} ({face}): {' -> '.join(path)}; at {CONDITION}: {text or 'not measured'}")
        else:
            lines.append(
                f"{operation} ({face}): all off or all on was not measured; at {CONDITION}: {text or 'not measured'}"
            )
    if gains:
        low, high = min(gains), max(gains)
        head = (
            f"All {len(knobs)} knobs together make a request {low[0]:.3g}x ({low[1]}) to {high[0]:.3g}x ({high[1]}) "
            f"faster: all off -> all but the cache -> warm cache."
        )
    else:
        head = "The question cannot be answered: all off or all on was not measured."
    return [head, *lines, *_statements(cells)]


def _on(variant: Sequence[tuple[str, str]]) -> int:
    return sum(level != "off" for _, level in variant)


def statement_costs(cells: Sequence[Cell], *, operation: str, face: str) -> dict[str, int]:
    """Statements that one request costs, by variant name, over the cells without a cache."""
    return {
        variant_name([pair for pair in cell.variant if pair[0] not in {"cache", "indexes"}]): cell.cold.statement_count
        for cell in cells
        if (cell.operation, cell.face) == (operation, face) and cell.cold and dict(cell.variant).get("cache") == "off"
    }


def _statements(cells: Sequence[Cell]) -> list[str]:
    """What a lazily loaded page costs in statements, and what each knob removes of it."""
    for operation, face in dict.fromkeys((cell.operation, cell.face) for cell in cells):
        costs = statement_costs(cells, operation=operation, face=face)
        lazy, loaded = costs.pop("all off", 0), costs.pop("all on", 0)
        if lazy > loaded > 0:
            removed = ", ".join(f"{knob} removes {lazy - cost}" for knob, cost in costs.items())
            return [
                (
                    f"{operation} ({face}) loaded lazily costs {count(lazy)} statements a page; {removed}, "
                    f"both together leave {loaded}."
                )
            ]
    return []


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
    return (
        f"{measured} of {len(cells)} cells measured in {len(blocks) - void} of {len(blocks)} blocks; "
        f"{count(answers)} answers compared before timing, all equal."
    )


METHOD: Final = """
Every arm answered the same seeded requests, one at a time, interleaved in random order; any two arms were compared
only over passes in which both ran. Each block had server processes of its own.

A block gives one value per comparison: the 20 % trimmed mean of the log-ratios of its pairs. The estimate is the mean
over blocks, the interval a t interval over blocks. The intervals of one kind of effect hold together at 95 % (max-T on
p-values), so that looking at many does not make one of them lie.

Verdicts: slower or faster when the whole interval is beyond the tolerance of 2 %; same when it lies inside 5 % and the
estimate inside 2 %; else unclear, which is no pass.

A cached cell is measured warm: its keys were answered before, and the keys replayed are among them.

Before timing, the answers of every arm were read into the same values and compared with the first arm's.

Statements, rows and buffers are counted in a pass of their own, and the statements held against PostgreSQL's own count.
"""


def method() -> tuple[str, ...]:
    """How the figures were made, a paragraph each, for a reader who was not there."""
    return tuple(" ".join(paragraph.split()) for paragraph in METHOD.strip().split("\n\n"))
