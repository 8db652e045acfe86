"""Yields the phrases that people read of a run: console, HTML, Markdown and gate take their words from here.

It computes nothing beyond what a sentence needs to choose its words.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lab.findings import Cell, Effect, Interval, Proof
from lab.load_findings import LoadCell, LoadFindings, Scalability
from lab.units import count, factor, is_near_one, rate, ratio, seconds, share, times

Variant = tuple[tuple[str, str], ...]


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
    full = all(level in {"on", "both"} for _, level in variant)
    return "all on" if full and len(variant) > 1 else " + ".join(on)


def varied_levels(variant: Sequence[tuple[str, str]], *, among: Iterable[Sequence[tuple[str, str]]]) -> str:
    """A variant by what differs among all of them: its switches that are on, then other levels, as in `a + b, c`."""
    settings = [dict(each) for each in among]
    levels = {knob: {setting.get(knob) for setting in settings} for knob, _ in variant}
    varied = [(knob, level) for knob, level in variant if len(levels[knob]) > 1]
    switches = [knob for knob, _ in varied if levels[knob] <= {"off", "on"}]
    on = " + ".join(knob for knob, level in varied if knob in switches and level == "on")
    named = [on, *(level for knob, level in varied if knob not in switches)]
    return ", ".join(filter(None, named)) or ("all off" if varied else "")


def only_level(variant: Sequence[tuple[str, str]], *, among: Iterable[Sequence[tuple[str, str]]]) -> str:
    """The level of the one knob that differs among all, where it is no optimisation that is off or on; else nothing."""
    settings = [dict(each) for each in among]
    varied = [knob for knob, _ in variant if len({setting.get(knob) for setting in settings}) > 1]
    if len(varied) != 1 or {setting.get(varied[0]) for setting in settings} & {"off", "on"}:
        return ""
    return dict(variant)[varied[0]]


def verdict_phrase(effect: Effect) -> str:
    """The verdict as it is printed: `faster`, `slower for some requests`, `same`, `unclear`."""
    return " ".join(filter(None, (effect.verdict, effect.detail)))


def place(operation: str, face: str) -> str:
    """An operation and a face in one phrase, as in `product_list, REST`."""
    return f"{operation}, {face_name(face)}" if face else operation


def effect_sentence(effect: Effect) -> str:
    """One effect in one sentence."""
    where = place(effect.operation, effect.face)
    given = f" at {effect.given}" if effect.given else ""
    if effect.kind == "part":
        given = f" ({effect.given})"
    if effect.kind == "interaction":
        return f"{where}: {effect.subject}{given} is a ratio of ratios of {interval(effect.typical)}"
    return f"{where}: {effect.subject}{given} is {times_interval(effect.typical)}: {verdict_phrase(effect)}"


def statement_costs(cells: Sequence[Cell], *, operation: str, face: str) -> dict[str, int]:
    """Statements that one request costs, by variant name, over the cells without a cache."""
    return {
        variant_name([pair for pair in cell.variant if pair[0] not in {"cache", "indexes"}]): cell.cold.statement_count
        for cell in cells
        if (cell.operation, cell.face) == (operation, face) and cell.cold and dict(cell.variant).get("cache") == "off"
    }


def load_answer(found: LoadFindings, *, proofs: Sequence[Proof]) -> tuple[str, ...]:
    """What a run under load answers, in at most ten lines."""
    faces = dict.fromkeys(cell.face for cell in found.cells)
    lines = [line for face in faces for line in _capacity_answer(found, face=face)]
    if not lines:
        lines = [line for face in faces for line in _load_answer(found, face=face)]
    lines = [*_cost_answer(found), *lines]
    valid = sum(cell.state == "measured" for cell in found.cells)
    answers = sum(proof.answers for proof in proofs)
    trust = f"{valid} of {len(found.cells)} loads are valid"
    if proofs:
        trust += f"; {compared(answers)}"
    if found.statements:
        run, due = map(count, found.statements)
        trust += f"; PostgreSQL ran {run} statements under load where {due} were due"
    return (*(lines or ["The question cannot be answered: all off or all on was not measured."]), f"{trust}.")


def compared(answers: int) -> str:
    """How many answers were proven equal: it is told before anything of what was timed is believed."""
    return f"{count(answers)} answers compared before timing, all equal" if answers else "no answers were compared"


def _cost_answer(found: LoadFindings) -> list[str]:
    """What a request costs the server beside a bare view, where that was asked too."""
    among = [each.variant for each in found.cells]
    return [
        f"{face_name(each.face)}, {each.step}: a {only_level(each.variant, among=among) or 'request'} takes "
        f"{interval(each.ratio)} times the server's CPU of a bare view with as many bytes, "
        f"{seconds(each.seconds.estimate)} against {seconds(each.bare.estimate)}, over {seconds(each.spent)} of it."
        for each in found.costs
    ]


def _capacity_answer(found: LoadFindings, *, face: str) -> list[str]:
    """What a face carries at its first arm and at its last."""
    own = [each for each in found.scalabilities if each.face == face and each.capacity]
    among = [each.variant for each in found.scalabilities]
    if own and (only_level(own[0].variant, among=among) or len(dict.fromkeys(among)) == 1):
        return _alternatives(found, sorted(own, key=_carried, reverse=True), among=among, face=face)
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
    return [f"{face_name(face)} carries {', '.join(said)}{more}."]


def _alternatives(found: LoadFindings, own: Sequence[Scalability], *, among: Sequence[Variant], face: str) -> list[str]:
    """What a face carries at each arm, the most first, where none is the bare one; who leads; how long users wait."""
    names = {each.variant: only_level(each.variant, among=among) for each in own}
    carried = [
        f"{rate(each.capacity.estimate)} [{rate(each.capacity.low)}, {rate(each.capacity.high)}] requests/s"
        + (f" with {names[each.variant]}" if names[each.variant] else "")
        for each in own
        if each.capacity
    ]
    cells = [cell for cell in found.cells if (cell.face, cell.kind, cell.state) == (face, "closed", "measured")]
    lead = _lead(cells, own, names=names) if len(own) > 1 else ""
    lines = [f"{face_name(face)} carries {'; '.join(carried)}{lead}."]
    most = max((cell.level for cell in cells), default=0.0)
    waits = [
        f"{names.get(cell.variant) or ''} p50 {seconds(cell.p50.estimate)}, p99 {seconds(cell.p99.estimate)}".strip()
        for cell in cells
        if cell.level == most and cell.p50 and cell.p99
    ]
    if waits:
        users = "one user who waits for its" if most == 1 else f"{most:g} users who wait for their"
        lines.append(f"{face_name(face)} with {users} answers: {'; '.join(waits)}.")
    void = [cell for cell in found.cells if (cell.face, cell.kind, cell.state) == (face, "closed", "void")]
    if void:
        told = dict.fromkeys(f"{names.get(cell.variant) or 'it'} with {cell.step} ({cell.reason})" for cell in void)
        lines.append(f"{face_name(face)} was not measured right for {', '.join(told)}.")
    return lines


def _lead(cells: Sequence[LoadCell], own: Sequence[Scalability], *, names: Mapping[Variant, str]) -> str:
    """From how many users on the arm that carries most is ahead of all others, beyond their intervals."""
    first, *others = (each.variant for each in own)
    ahead: float | None = None
    for level in sorted({cell.level for cell in cells}, reverse=True):
        at = {cell.variant: cell.achieved for cell in cells if cell.level == level and cell.achieved}
        # Where one of them was not measured, nobody is known to be ahead.
        if first not in at or any(other not in at or at[other].high >= at[first].low for other in others):
            break
        ahead = level
    if ahead is None:
        return f"; {names[first]} is not ahead of all others for sure"
    return f"; {names[first]} is ahead from {ahead:g} user{'s' * (ahead != 1)} on"


def _carried(each: Scalability) -> float:
    return each.capacity.estimate if each.capacity else 0.0


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
            said.insert(0, f"{face_name(face)} at {step} of {rate(first.level)}/s: {ends}.")
        else:
            ends = "; ".join(_loaded(cell, at=f" at {rate(cell.level)}/s") for cell in (first, last))
            said.append(f"{face_name(face)} at {step}: {ends}.")
    return said


def _loaded(cell: LoadCell, *, at: str = "") -> str:
    assert cell.p50  # noqa: S101 - a measured cell has its times
    assert cell.p99  # noqa: S101
    cpu = sum(each.estimate for name, each in cell.cpu if name != "generator")
    times_of = f"p50 {seconds(cell.p50.estimate)}, p99 {seconds(cell.p99.estimate)}"
    return f"{variant_name(cell.variant)}{at} {times_of}, {seconds(cpu)} of CPU a request"


def face_name(face: str) -> str:
    """A face as people write it."""
    return {"rest": "REST", "graphql": "GraphQL", "http": "HTTP"}.get(face, face)


METHOD: Final = """
Every arm answered the same seeded requests, one at a time, interleaved in random order; any two arms were compared
only over passes in which both ran. Each block had server processes of its own.

A block gives one value per comparison: the 20 % trimmed mean of the log-ratios of its pairs, the typical request.
Beside it stands the ratio of the sums, the total, which a few slow requests move; both decide, and between two
servers the share of slow requests too. A request above 250 ms is asked once a block, or in every second block
where all of them would take more than 15 % of it, with one of the keys. The estimate is the mean over blocks, the
interval a t interval over blocks. The intervals of one kind of effect hold together at 95 % (max-T on p-values), so
that looking at many does not make one of them lie.

Verdicts: slower or faster when a whole interval is beyond the tolerance of 2 %; same when all lie inside 5 % and the
estimates inside 2 %; else unclear, which is no pass.

A cached cell is measured warm: its keys were answered before, and the keys replayed are among them.

Before timing, the answers of every arm were read into the same values and compared with the first arm's.

Statements, rows and buffers are counted in a pass of their own, and the statements held against PostgreSQL's own
count.
"""


OWN_METHOD: Final = """
Before timing, every arm answered every request three times, and the status and the JSON of each answer, or its text,
were compared with the first arm's, but for requests that say that answers may differ.

Nothing is counted but time and bytes: there are no statements, rows or buffers, and no bare view to set a time against.
"""

FRESH: Final = "Each block had server processes of its own."
NOT_FRESH: Final = (
    "The services ran already, and the lab could not boot them anew: a block is a fresh client alone. What differs "
    "from one start of a service to the next is in none of the intervals."
)
COUNTED: Final = "Nothing was counted but time and bytes: the target is not Windtunnel's own."


def method(target: str = "") -> tuple[str, ...]:
    """How the figures were made, a paragraph each, for a reader who was not there.

    `target` is that of the findings: empty for Windtunnel's own, `booted` or `running` for a user's.
    """
    if not target:
        return paragraphs(METHOD)
    first, statistics, verdicts, *_ = paragraphs(METHOD)
    boots = FRESH if target == "booted" else NOT_FRESH
    return (first.replace(FRESH, boots), statistics, verdicts, *paragraphs(OWN_METHOD))


def own_notes(target: str) -> tuple[str, ...]:
    """What a reader must know of a run on a user's target before any figure; nothing of one on Windtunnel's own."""
    return () if not target else (COUNTED,) if target == "booted" else (NOT_FRESH, COUNTED)


def paragraphs(text: str) -> tuple[str, ...]:
    """A text's paragraphs, which empty lines divide, each in one line."""
    return tuple(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
