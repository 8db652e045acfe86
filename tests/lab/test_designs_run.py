"""Every kind of design comes to its end: `python -m lab` on a small one of each, in a copy of the checkout."""

from pathlib import Path

import pytest

from lab.caching_derive import derive_caching
from lab.findings import Interval
from lab.json_files import read
from lab.mail_findings import MailFindings
from lab.results import RunFolder
from lab.study_findings import StudyFindings
from tests.lab.tree import Tree

pytestmark = pytest.mark.slow

HELD = '(("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))'
UNINDEXED = HELD.replace('"indexes", "on"', '"indexes", "off"')
HEAD = """
from lab.experiment import (
    SERVER, WRITES, CachingDesign, Experiment, GrowthDesign, IndexDesign, LoadDesign, MailDesign, Server, StampedeDesign,
)

EXPERIMENT = Experiment(
"""
LOAD = "users=(1, 2), seconds=0.6, blocks=2, pilot_seconds=0.4"
DESIGNS = {
    "tiny_mail": f"""{HEAD}    name="tiny_mail", question="Mails?", faces=("rest",),
    servers=(Server(name="inline", tasks="inline"), Server(name="workers")),
    mail=MailDesign(rates=(20.0,), seconds=1.0, blocks=2, delay=0.01, workers=1, shoppers=4),
)
""",
    "tiny_fanout": f"""{HEAD}    name="tiny_fanout", question="At once?", beside=("carriers",),
    variants=((("fanout", "sync"),), (("fanout", "async"),)),
    load=LoadDesign(
        walk="scenarios.operations.quotes:QUOTING", sessions=4, users=(1, 2), seconds=1.5, blocks=2, pilot_seconds=2.0,
        pilot_users=2, server=Server(interface="asgi"),
    ),
)
""",
    "tiny_servers": f"""{HEAD}    name="tiny_servers", question="Which?", faces=("rest",),
    variants=(({HELD[1:-1]}, (SERVER, "a")), ({HELD[1:-1]}, (SERVER, "b"))),
    load=LoadDesign(
        walk="scenarios.operations.browsing:BROWSING", {LOAD},
        servers=(Server(name="a"), Server(name="b", program="uvicorn", interface="asgi")),
    ),
)
""",
    "tiny_writes": f"""{HEAD}    name="tiny_writes", question="How many?",
    variants=(({HELD[1:-1]}, (WRITES, "orders")), ({HELD[1:-1]}, (WRITES, "refreshes"))),
    load=LoadDesign({LOAD}, ready=1000),
)
""",
    "tiny_paging": f"""{HEAD}    name="tiny_paging", question="By cursor?",
    operations=(
        "scenarios.operations.paging:PRODUCT_LIST_PAGE_1", "scenarios.operations.paging:PRODUCT_LIST_LAST_PAGE",
    ),
    variants=(({HELD[1:-1]}, ("paging", "offset")), ({HELD[1:-1]}, ("paging", "keyset"))),
    parts=(("keyset", 1, 0),), keys=1, blocks=2, budget=10.0,
)
""",
    "tiny_loading": f"""{HEAD}    name="tiny_loading", question="Which way?",
    operations=(
        "scenarios.operations.paging:PRODUCT_LIST_10", "scenarios.operations.paging:PRODUCT_LIST_50",
        "scenarios.operations.fetching:PRODUCT_CARDS",
    ),
    variants=(
        (("select_related", "off"), ("prefetch_related", "off"), ("resolving", "rows"), ("cache", "off")),
        (("select_related", "on"), ("prefetch_related", "on"), ("resolving", "rows"), ("cache", "off")),
        (("select_related", "off"), ("prefetch_related", "off"), ("resolving", "dataloader"), ("cache", "off")),
        (("select_related", "on"), ("prefetch_related", "on"), ("resolving", "lookahead"), ("cache", "off")),
    ),
    limited=((2, "graphql"), (3, "graphql")), parts=(("both", 1, 0), ("a DataLoader", 2, 0), ("looking ahead", 3, 1)),
    along=(("product_list_10", 10), ("product_list_50", 50)), along_what="products a page",
    keys=2, blocks=2, budget=14.0,
)
""",
    "tiny_stampede": f"""{HEAD}    name="tiny_stampede", question="Who computes?", faces=("graphql",),
    operations=("scenarios.operations.catalog:PRODUCT_LIST",), keys=1,
    variants=tuple((("indexes", "off"), ("cache", "both"), ("refill", each)) for each in ("all", "one")),
    stampede=StampedeDesign(at_once=12, expiries=2, server=Server(workers=2, threads=2)),
)
""",
    "tiny_faces": f"""{HEAD}    name="tiny_faces", question="Which face?",
    operations=("scenarios.operations.fetching:PRODUCT_CARDS", "scenarios.operations.fetching:PRODUCT_SCREEN"),
    variant={HELD}, keys=2, blocks=2, budget=10.0,
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
"""An experiment of each kind, as a file of `experiments/` holds it."""


def run(tree: Tree, name: str, *, dataset: str = "small", seconds: float = 240) -> RunFolder:
    """The run of a design, which has come to its end; on a busy machine its cells may be void."""
    (tree.path / "experiments" / f"{name}.py").write_text(f'"""A test."""\n\n{DESIGNS[name]}')
    done = tree.lab(name, "--dataset", dataset, seconds=seconds)
    assert done.returncode == 0 or "cells are void" in done.stderr, done.stderr + done.stdout
    [found] = [RunFolder(path) for path in (tree.path / "results" / name).iterdir()]
    assert found.findings.complete
    assert (found.path / "report.html").stat().st_size > 5_000
    assert tree.processes() == []
    return found


def test_mails_are_followed_from_order_to_sink(tree: Tree) -> None:
    """Both ways deliver every mail, and the first sentence says whether workers pay."""
    found = run(tree, "tiny_mail")
    mails = read(found.path / "mail.json", MailFindings)
    assert [(cell.server, cell.lost, cell.failed) for cell in mails.cells] == [("inline", 0, 0), ("workers", 0, 0)]
    assert all(cell.mails == cell.orders > 10 for cell in mails.cells)
    assert [gain.server for gain in mails.gains] == ["workers"]
    assert "mail server" in found.findings.answer[0]
    Path(found.path / "report.html").unlink()
    assert tree.lab("report", str(found.path)).returncode == 0


@pytest.mark.parametrize("name", ["tiny_fanout", "tiny_servers", "tiny_writes"])
def test_loads_of_every_kind_come_to_their_end(tree: Tree, name: str) -> None:
    """Each arm is loaded at every number of users, and nothing it was answered was wrong."""
    found = run(tree, name)
    assert found.load
    assert len(found.load.cells) >= 4
    assert not [cell.reason for cell in found.load.cells if "not the proven one" in cell.reason]
    assert not [cell for cell in found.load.cells if cell.failed]
    assert any(cell.state == "measured" for cell in found.load.cells)
    assert " carries " in found.findings.answer[0]


def test_faces_are_compared_by_what_they_fetch(tree: Tree) -> None:
    """One line an operation, with bytes, trips and statements of both."""
    found = run(tree, "tiny_faces")
    cards, screen, *_ = found.findings.answer
    assert cards.startswith("product_cards: ")
    assert " in 1 trip and " in cards
    assert " in 2 trips and " in screen
    assert "adds 1 ms more to REST's" in screen


def test_a_page_by_cursor_is_compared_with_the_same_by_number(tree: Tree) -> None:
    """The rows are proven equal; the cursor is learnt before, and counts for nothing."""
    found = run(tree, "tiny_paging").findings
    assert [line.partition(":")[0] for line in found.answer[:-1]] == [
        "product_list_page_1, REST", "product_list_page_1, GraphQL",
        "product_list_last_page, REST", "product_list_last_page, GraphQL",
    ]  # fmt: skip
    assert all(cell.cold and cell.cold.statement_count == cell.cold.counted_by_database == 3 for cell in found.cells)
    assert {cell.cold.trips for cell in found.cells if cell.cold} == {1}
    last = {dict(cell.variant)["paging"]: cell.cold for cell in found.cells if "last" in cell.operation and cell.cold}
    assert last["keyset"].rows == last["offset"].rows
    assert "OFFSET" in " ".join(each.sql for each in last["offset"].statements)
    assert "OFFSET" not in " ".join(each.sql for each in last["keyset"].statements)


def test_ways_of_loading_are_compared_where_they_are(tree: Tree) -> None:
    """REST has two arms and GraphQL four; in batches a page takes six statements, whatever its size."""
    found = run(tree, "tiny_loading").findings
    arms = {(cell.operation, cell.face, dict(cell.variant)["resolving"], dict(cell.variant)["select_related"]): cell
            for cell in found.cells}  # fmt: skip
    assert len(arms) == len(found.cells) == 3 * (2 + 4)

    def counted(operation: str, resolving: str, joined: str) -> int:
        cold = arms[operation, "graphql", resolving, joined].cold
        assert cold
        return cold.statement_count

    assert counted("product_list_10", "dataloader", "off") == counted("product_list_50", "dataloader", "off") == 6
    assert counted("product_list_10", "lookahead", "on") == counted("product_list_10", "rows", "on") == 3
    assert counted("product_list_50", "rows", "off") > 4 * counted("product_list_10", "rows", "off")
    assert counted("product_cards", "lookahead", "on") == counted("product_cards", "dataloader", "off") == 1
    assert found.answer[0].startswith("REST, 10 to 50 products a page: ")


def test_a_stampede_is_counted_expiry_by_expiry(tree: Tree) -> None:
    """With protection one computes; without, no more than there are threads. A busy machine may void the times."""
    found = run(tree, "tiny_stampede")
    study = read(found.path / "study.json", StudyFindings)
    assert study.notes or study.answer[0] == "With protection an expired key was computed once, at every expiry."
    if not study.notes:
        [table] = study.tables
        [column] = [number for number, each in enumerate(table.columns) if each.name == "Whole answers computed"]
        free, guarded = (row[column] for row in table.rows)
        assert isinstance(free, Interval)
        assert isinstance(guarded, Interval)
        assert 1 == guarded.estimate <= free.estimate <= 4


def test_caches_are_held_against_their_model(tree: Tree) -> None:
    """Every answer was right and says what the cache had; the replay of the requests agrees with what was told."""
    found = run(tree, "tiny_caching")
    caching = derive_caching(found)
    assert not [note for note in caching.notes if "wrong or missing" in note]
    assert caching.blocks_done == 1
    assert [(each.level, each.face) for each in caching.memories] == [
        (level, face) for face in ("rest", "graphql") for level in ("query", "both")
    ]
    assert all(each.memory and each.memory > each.stored > 0 for each in caching.memories)
    assert all(abs(each.share - each.replayed) < 0.05 for each in caching.exponents)
    assert {each.kind for each in caching.classes} >= {"hit", "part", "miss", "no cache"}
    assert {each.kind for each in caching.passes} == {"cold", "warm", "no cache"}
    Path(found.path / "report.html").unlink()
    assert tree.lab("report", str(found.path)).returncode == 0


def test_growth_is_followed_over_sizes(tree: Tree) -> None:
    """All sizes stand side by side, each with a part of its own that can be drawn; three are too few for a word."""
    found = run(tree, "tiny_growth", dataset="x20", seconds=400)
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
    found = run(tree, "tiny_indexes", seconds=400)
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
