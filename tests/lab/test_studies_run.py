"""Studies come to their end: `python -m lab` on a small one of each kind."""

from pathlib import Path

import numpy as np
import pytest

from lab.caching_derive import derive_caching
from lab.caching_plan import SINGLE
from lab.caching_seen import is_hit, seen_trials
from lab.findings import Interval
from lab.json_files import read
from lab.recorder import Fault, Told
from lab.results import RunFolder
from lab.study_findings import StudyFindings
from tests.lab.designs import HEAD, HELD, UNINDEXED, run
from tests.lab.tree import Tree

pytestmark = pytest.mark.nightly

DESIGNS = {
    "tiny_stampede": f"""{HEAD}    name="tiny_stampede", question="Who computes?", faces=("graphql",),
    operations=("scenarios.operations.catalog:PRODUCT_LIST",), keys=1,
    variants=tuple((("indexes", "off"), ("cache", "both"), ("refill", each)) for each in ("all", "one")),
    stampede=StampedeDesign(at_once=12, expiries=2, server=Server(workers=2, threads=2)),
)
""",
    "tiny_caching": f"""{HEAD}    name="tiny_caching", question="Cached?",
    operations=("scenarios.operations.catalog:PRODUCT_DETAIL",), servers=(Server(workers=2, threads=4),),
    variants=tuple((*{HELD}[:3], ("cache", level)) for level in ("off", "query", "both")),
    caching=CachingDesign(rate=40.0, seconds=4.0, mix_seconds=1.0, write_shares=(0.0, 0.2), blocks=1), keys=24,
)
""",
    "tiny_growth": f"""{HEAD}    name="tiny_growth", question="How does it grow?", faces=("rest",), keys=2,
    operations=("scenarios.operations.catalog:PRODUCT_DETAIL",),
    variants=({HELD}, {UNINDEXED}),
    growth=GrowthDesign(sizes=("small", "x4", "x20"), arms=("indexes on", "indexes off"), blocks=2, rounds=4),
)
""",
    "tiny_indexes": f"""{HEAD}    name="tiny_indexes", question="Which serve?", faces=("rest",), keys=2, blocks=2,
    operations=("scenarios.operations.catalog:PRODUCT_LIST", "scenarios.operations.catalog:PRODUCT_DETAIL"),
    variants=({HELD}, {UNINDEXED}),
    indexes=IndexDesign(write_blocks=2, parts=2, rows=10), budget=20.0,
)
""",
}
"""A study of each kind, as a file of `experiments/` holds it."""


def test_a_stampede_is_counted_expiry_by_expiry(tree: Tree) -> None:
    """With protection one computes; without, no more than there are threads. A busy machine may void the times."""
    found = run(tree, "tiny_stampede", design=DESIGNS["tiny_stampede"])
    study = read(found.path / "study.json", StudyFindings)
    assert all("the host took" in note for note in study.notes), study.notes
    if not study.notes:
        assert study.answer[0] == "With protection an expired key was computed once, at every expiry."
        [table] = study.tables
        [column] = [number for number, each in enumerate(table.columns) if each.name == "Whole answers computed"]
        free, guarded = (row[column] for row in table.rows)
        assert guarded == 1
        assert isinstance(free, float)
        assert 1 <= free <= 4


def test_caches_are_held_against_their_model(tree: Tree) -> None:
    """Every answer says what the cache had, a key is cold once, and what a busy machine spared agrees with a replay."""
    found = run(tree, "tiny_caching", design=DESIGNS["tiny_caching"])
    caching = derive_caching(found)
    assert caching.blocks_done == 1
    assert [(each.level, each.face) for each in caching.memories] == [
        (level, face) for face in ("rest", "graphql") for level in ("query", "both")
    ]
    assert all(each.memory and each.memory > each.stored > 0 for each in caching.memories)
    trials = seen_trials(found, blocks=1, arms=6)
    assert len(trials) == 3 + 3 * 4
    for trial in trials:
        assert set(trial.rows["fault"].tolist()) <= {Fault.NONE, Fault.TIME_OUT, Fault.UNSENT}
        assert set(trial.reads["cache"].tolist()) <= ({Told.NOTHING} if trial.what.variant == 0 else set(Told) - {0})
        if trial.what.kind == SINGLE and trial.what.variant:
            cold = trial.reads[np.unique(trial.reads["key"], return_index=True)[1]]
            assert set(cold["cache"].tolist()) == {Told.MISS}
            assert is_hit(trial.reads).sum() == len(trial.reads) - len(cold)
    assert all(abs(each.share - each.replayed) < 0.05 for each in caching.exponents)
    assert caching.exponents or all(set(trial.reasons) for trial in trials), "no rate, and no trial that says why"
    Path(found.path / "report.html").unlink()
    assert tree.lab("report", str(found.path)).returncode == 0


def test_growth_is_followed_over_sizes(tree: Tree) -> None:
    """All sizes stand side by side, each with a part of its own that can be drawn; three are too few for a word."""
    found = run(tree, "tiny_growth", design=DESIGNS["tiny_growth"], dataset="x20", seconds=400)
    study = read(found.path / "study.json", StudyFindings)
    assert found.findings.answer == ("How it grows cannot be told: not enough sizes: 3 of at least 4.",)
    counted = {each.identifier: each.rows for each in study.tables}
    statements = [row[-3:] for row in counted["growth-statements"]]
    assert statements == [(statements[0][0],) * 3] * 2
    with_indexes, without = ([float(f"{each}") for each in row[-3:]] for row in counted["growth-shared-buffers"])
    assert with_indexes[-1] < without[-1]
    assert without[-1] > 4 * without[0]
    part = RunFolder(found.path / "small")
    assert tree.lab("report", str(part.path)).returncode == 0
    assert part.findings.complete


def test_indexes_are_weighed_one_by_one(tree: Tree) -> None:
    """Those of list and reviews are found to serve, with their sizes; writes are told for tables with rows."""
    found = run(tree, "tiny_indexes", design=DESIGNS["tiny_indexes"], seconds=400)
    study = read(found.path / "study.json", StudyFindings)
    [listed, reads, *_] = study.tables
    rows = {row[0]: row for row in listed.rows}
    assert {"product_newest", "review_product_newest", "mail_due"} <= rows.keys()
    assert "product_detail" in f"{rows['review_product_newest'][3:5]}"
    assert rows["mail_due"][3:5] == ("nothing", "nothing")
    assert "rows are too few" in f"{rows['mail_due'][6]}"
    assert any(isinstance(row[6], Interval) for row in rows.values())
    assert {row[0] for row in reads.rows} >= {"all indexes", "review_product_newest"}
    assert "mail_due" in found.findings.answer[-2]
