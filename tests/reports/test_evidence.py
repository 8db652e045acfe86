from dataclasses import replace

import pytest

from lab.findings import CacheLevel, Evidence, Statement
from reports.evidence import Pass, catalogue_of
from tests.reports.sample import toggles

SEEN = Evidence(statements=(), body_bytes=18_230, cache_hits=1, cache_misses=3, seconds=0.001, database_seconds=0.0)
VIEW = CacheLevel(level="view", hits=1, stored=6_420, plain=18_230)
QUERY = CacheLevel(level="query", misses=3, recomputed=2, waited=1, stored=9_000, plain=8_950)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            replace(SEEN, levels=(VIEW, QUERY)),
            "view 1 hit, 6.42 kB stored of 18.2 kB; query 3 misses (2 computed, 1 waited), 9.00 kB stored",
        ),
        (replace(SEEN, levels=(CacheLevel(level="view"),)), "view away"),
        (replace(SEEN, cache_hits=0, cache_misses=0), "not asked"),
        (SEEN, "1 hit, 3 misses"),
    ],
    ids=["both levels", "away", "no cache", "an older run"],
)
def test_evidence_tells_what_each_level_was_asked(evidence: Evidence, said: str) -> None:
    """Hits, misses, who computed, and what is stored of what; of an older run, what it told."""
    assert Pass(name="Cold", evidence=evidence).cache == said


def _seen(*seconds: float) -> Evidence:
    statements = tuple(
        Statement(fingerprint=f"{place}", sql="SELECT 1", database="indexed", count=1, rows=1, seconds=each, line="a:1")
        for place, each in enumerate(seconds)
    )
    return replace(SEEN, statements=statements)


def test_passes_that_issued_the_same_share_a_table() -> None:
    """Cold and warm stand in one table with a time each where they issued the same, else in one each."""
    cell = toggles().cells[0]
    same, other = (
        catalogue_of(replace(toggles(), cells=(replace(cell, cold=_seen(0.1, 0.2), warm=warm),))).cells[0].groups
        for warm in (_seen(0.3, 0.4), _seen(0.3))
    )
    assert [[use.seconds for use in group.uses] for group in same] == [[(0.1, 0.3), (0.2, 0.4)]]
    assert [[counted.name for counted in group.passes] for group in other] == [["Cold"], ["Warm"]]
    assert [[use.seconds for use in group.uses] for group in other] == [[(0.1,), (0.2,)], [(0.3,)]]
