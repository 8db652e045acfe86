"""Yields made-up findings of the shape and size of a real `toggles` run. None of its numbers was measured."""

import math
import random
from dataclasses import replace
from itertools import combinations, product

from lab.findings import (
    Block,
    CacheLevel,
    Cell,
    Effect,
    Evidence,
    Findings,
    Interval,
    Plan,
    Proof,
    Stage,
    Statement,
    Step,
    Waterfall,
)

KNOBS = ("select_related", "prefetch_related", "indexes", "cache")
OPERATIONS = ("product_list", "product_search", "product_detail")
FACES = ("rest", "graphql")
BLOCKS = 8
_BASE = {"product_list": 0.141, "product_search": 0.596, "product_detail": 0.034}
_GAIN = {
    "product_list": {"select_related": 0.71, "prefetch_related": 0.42, "indexes": 0.63},
    "product_search": {"select_related": 0.985, "prefetch_related": 0.93, "indexes": 0.031},
    "product_detail": {"select_related": 0.93, "prefetch_related": 0.998, "indexes": 0.22},
}
_QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

Setting = tuple[tuple[str, str], ...]


def toggles() -> Findings:
    """96 cells, four of them void, with effects, waterfalls, evidence, blocks and stages."""
    chance = random.Random(20260101)
    settings = [tuple(zip(KNOBS, levels, strict=True)) for levels in product(("off", "on"), repeat=len(KNOBS))]
    cells = tuple(
        _cell(chance, operation, face, setting) for operation in OPERATIONS for face in FACES for setting in settings
    )
    return Findings(
        experiment="toggles",
        run="2026-01-01T12-00-00Z",
        question="What does each optimisation buy, alone and together, in REST and in GraphQL?",
        answer=(
            "With everything off a page of products costs 141 statements and 141 ms; with everything on, 1.52 ms.",
            "product_list: prefetch_related helps most, 2.38x faster [2.31, 2.45], because it removes 98 statements.",
            "product_search: only indexes matter, 32.3x faster [31.0, 33.4].",
        ),
        dataset=(("size", "medium"), ("seed", "1"), ("rows", "1,210,200"), ("fingerprint", "b1946ac92492d234")),
        knobs=KNOBS,
        held=(),
        complete=True,
        cells=cells,
        effects=_effects(chance),
        waterfalls=tuple(_waterfall(operation, face) for operation in OPERATIONS for face in FACES),
        proofs=tuple(Proof(operation=name, answers=128, cells=32, parameters=4) for name in OPERATIONS),
        blocks=tuple(_block(index) for index in range(BLOCKS)),
        stages=(
            Stage(name="install", seconds=41.2, budget=60),
            Stage(name="seed", seconds=22.8, budget=40),
            Stage(name="proof and evidence", seconds=47.9, budget=45),
            Stage(name="measuring", seconds=148.1, budget=150),
            Stage(name="report", seconds=3.1, budget=8),
        ),
        environment=(("machine", "x86_64, 2 cores"), ("PostgreSQL", "18.1"), ("Valkey", "9.0"), ("Python", "3.11.2")),
        settings=(("jit", "off"), ("autovacuum", "off"), ("max_parallel_workers_per_gather", "0")),
        notes=("Cached cells are measured warm: their keys were primed before.",),
        command="./noxw -s lab -- toggles --dataset medium --budget 150s",
    )


def null() -> Findings:
    """Two equal servers, both faces, no knob: the shape of `null`."""
    chance = random.Random(7)
    cells = tuple(
        replace(_cell(chance, operation, face, ()), server=server)
        for operation in OPERATIONS
        for face in FACES
        for server in ("A", "B")
    )
    effects = tuple(
        _effect(chance, 1.001, operation=operation, face=face, kind="server", subject="B / A")
        for operation in OPERATIONS
        for face in FACES
    )
    whole = toggles()
    return replace(
        whole,
        experiment="null",
        question="Does the lab call identical code faster or slower?",
        answer=("No: no arm is called faster or slower.",),
        knobs=(),
        held=(),
        cells=cells,
        effects=effects,
        waterfalls=(),
    )


def interrupted() -> Findings:
    """A run that was stopped in its second block, before anything was timed at most cells."""
    whole = toggles()
    cells = tuple(
        replace(cell, state="void", reason="the run was interrupted", service=None, block_means=(), quantiles=())
        if index % 3
        else cell
        for index, cell in enumerate(whole.cells)
    )
    return replace(whole, complete=False, cells=cells, effects=(), waterfalls=(), blocks=whole.blocks[:2], answer=())


def empty() -> Findings:
    """A run that was stopped before anything happened."""
    return replace(interrupted(), cells=(), blocks=(), stages=(), proofs=(), command="", notes=())


def around(value: float, *, by: float, blocks: int = BLOCKS, simultaneous: int = 36) -> Interval:
    """An interval that reaches so far to both sides."""
    return Interval(estimate=value, low=value - by, high=value + by, blocks=blocks, simultaneous=simultaneous)


def _time(operation: str, face: str, on: frozenset[str]) -> float:
    seconds = _BASE[operation] * (1.07 if face == "graphql" else 1)
    for knob, gain in _GAIN[operation].items():
        seconds *= gain if knob in on else 1
    if {"select_related", "prefetch_related"} <= on:
        seconds *= 1.12
    return 0.0014 + 0.00012 * (face == "graphql") if "cache" in on else seconds + 0.0021


def _cell(chance: random.Random, operation: str, face: str, setting: Setting) -> Cell:
    on = frozenset(knob for knob, level in setting if level == "on")
    seconds = _time(operation, face, on)
    cold, warm = _evidence(operation, on), _evidence(operation, on, warm="cache" in on)
    if operation == "product_search" and on == {"select_related", "cache"}:
        reason = "voided: 3 of 8 blocks had more than 5 % of the processor stolen"
        return Cell(
            operation=operation, face=face, server="target", variant=setting, state="void", reason=reason, cold=cold
        )
    if operation == "product_detail" and not on and face == "graphql":
        reason = "the generator was late: p99 of lateness 7.2 ms"
        return Cell(operation=operation, face=face, server="target", variant=setting, state="void", reason=reason)
    blocks = 4 if seconds > 0.25 else BLOCKS
    means = tuple(seconds * math.exp(chance.gauss(0, 0.006)) for _ in range(blocks))
    return Cell(
        operation=operation,
        face=face,
        server="target",
        variant=setting,
        state="measured",
        requests=blocks * (1 if seconds > 0.25 else 60),
        service=around(sum(means) / blocks, by=seconds * 0.008, blocks=blocks),
        block_means=means,
        quantiles=tuple((q, seconds * (0.93 + 0.1 * q + (0.6 * q**14))) for q in _QUANTILES),
        floor_ratio=seconds / 0.0011,
        net=seconds - 0.0011,
        cold=cold,
        warm=warm,
    )


def _evidence(operation: str, on: frozenset[str], *, warm: bool = False) -> Evidence:
    if warm:
        return Evidence(
            statements=(), body_bytes=18230, cache_hits=1, cache_misses=0, seconds=0.0011, database_seconds=0,
            counted_by_database=0,
            levels=(CacheLevel(level="view", hits=1, stored=6420, plain=18230),),
        )  # fmt: skip
    database = "indexed" if "indexes" in on else "bare"
    statements = [_statement("catalog_product", 1, database, line="targets/catalog/selectors.py:41")]
    if "select_related" not in on:
        statements += [
            _statement(table, 20, database, line=f"targets/catalog/rest_api.py:{line}")
            for line, table in ((58, "catalog_brand"), (59, "catalog_category"))
        ]
    times = 1 if "prefetch_related" in on else 50
    statements += [
        _statement(table, times, database, line=f"targets/catalog/loaders.py:{line}")
        for line, table in ((22, "catalog_tag"), (37, "catalog_review"))
    ]
    return Evidence(
        statements=tuple(statements),
        body_bytes=18230,
        cache_hits=0,
        cache_misses=1 if "cache" in on else 0,
        seconds=_time(operation, "rest", on - {"cache"}),
        database_seconds=_time(operation, "rest", on - {"cache"}) * 0.6,
        counted_by_database=sum(statement.count for statement in statements),
    )


def _statement(table: str, count: int, database: str, *, line: str) -> Statement:
    index = () if database == "bare" else (f"{table}_product_id_newest_idx",)
    scan = f"Index Scan using {index[0]} on {table}" if index else f"Seq Scan on {table}"
    return Statement(
        fingerprint=f"{sum(map(ord, table)):x}c0ffee",
        sql=f'SELECT "{table}"."id", "{table}"."name", "{table}"."created" FROM "{table}" '
        f'WHERE "{table}"."product_id" = $1 ORDER BY "{table}"."created" DESC, "{table}"."id" DESC LIMIT 20',
        database=database,
        count=count,
        rows=20 * min(count, 8),
        seconds=0.0004 * count,
        line=line,
        plan=Plan(
            lines=(
                "Limit  (rows=20, hit=44)",
                "  -> Sort by created DESC, id DESC  (rows=20, hit=44)",
                f"       -> {scan}  (rows=20, hit=44)",
            ),
            rows=20,
            shared_hit=8 if index else 1180,
            shared_read=0 if index else 44,
            indexes=index,
            sequential_scans=() if index else (table,),
        ),
    )


def _effect(
    chance: random.Random, ratio: float, *, operation: str, face: str, kind: str, subject: str, given: str = ""
) -> Effect:
    width = 0.004 + 0.012 * chance.random()
    estimate = ratio * math.exp(chance.gauss(0, 0.003))
    low, high = estimate * math.exp(-width), estimate * math.exp(width)
    verdict = "faster" if high < 0.98 else "slower" if low > 1.02 else "same" if 0.98 < estimate < 1.02 else "unclear"
    return Effect(
        operation=operation,
        face=face,
        kind=kind,
        subject=subject,
        given=given,
        typical=Interval(estimate=estimate, low=low, high=high, blocks=BLOCKS, simultaneous=36),
        total=Interval(estimate=estimate * 1.01, low=low, high=high * 1.02, blocks=BLOCKS, simultaneous=36)
        if kind == "server"
        else None,
        few=around(0.001, by=0.004) if kind == "server" else None,
        p=0.0078 if verdict in ("faster", "slower") else 0.41,
        verdict=verdict,
        detail="slower for some requests" if verdict == "slower" and chance.random() < 0.2 else "",
        dots=tuple(estimate * math.exp(chance.gauss(0, width / 1.2)) for _ in range(BLOCKS)),
        near_floor=subject == "cache",
        net_ratio=estimate / 2 if subject == "cache" else None,
    )


def _effects(chance: random.Random) -> tuple[Effect, ...]:
    effects: list[Effect] = []
    uncached = KNOBS[:3]
    for operation, face in product(OPERATIONS, FACES):
        at = {"operation": operation, "face": face}
        gains, fixed = _GAIN[operation], "cache = off"
        for knob in uncached:
            effects.append(_effect(chance, gains[knob], **at, kind="conditional", subject=knob, given=fixed))
            for levels in product(("off", "on"), repeat=2):
                others = [other for other in uncached if other != knob]
                given = ", ".join([fixed, *(f"{o} {level}" for o, level in zip(others, levels, strict=True))])
                effects.append(_effect(chance, gains[knob], **at, kind="simple", subject=knob, given=given))
        for first, second in combinations(uncached, 2):
            ratio = 1.12 if "indexes" not in (first, second) else 1.004
            subject = f"{first} x {second}"
            effects.append(_effect(chance, ratio, **at, kind="interaction", subject=subject, given=fixed))
        effects.append(_effect(chance, 1.0, **at, kind="interaction", subject=" x ".join(uncached), given=fixed))
        for level, on in (("off", frozenset()), ("on", frozenset(uncached))):
            ratio = 0.0015 / _time(operation, face, on)
            effects.append(_effect(chance, ratio, **at, kind="simple", subject="cache", given=f"the others {level}"))
        effects += [_effect(chance, gains.get(k, 0.05) ** 0.5, **at, kind="main", subject=k) for k in KNOBS]
    for operation in OPERATIONS:
        for given in ("cache = off", "cache = on, warm", "all off", "cache = off, the others on"):
            ratio = 1.07 if "off" in given else 1.003
            effects.append(
                _effect(chance, ratio, operation=operation, face="", kind="face", subject="graphql / rest", given=given)
            )
    return tuple(effects)


def _waterfall(operation: str, face: str) -> Waterfall:
    start, end = _time(operation, face, frozenset()), _time(operation, face, frozenset(KNOBS))
    weights = {k: -math.log(_GAIN[operation].get(k, 0.4)) for k in KNOBS}
    total = sum(weights.values())
    steps = tuple(
        Step(knob=k, seconds=around((end - start) * w / total, by=(start - end) * 0.012)) for k, w in weights.items()
    )
    return Waterfall(operation=operation, face=face, start=start, end=end, steps=steps)


def _block(index: int) -> Block:
    return Block(
        index=index,
        seconds=18.1 + 0.1 * index,
        requests=2110 - index,
        void="steal 7.3 % is above 5 %" if index == 5 else "",
        steal=0.073 if index == 5 else 0.004,
        pressure=None,
        kernel_ratio=1.002,
        generator_share=0.21,
    )
