"""Designs of loads, mails and comparisons come to their end: `python -m lab` on a small one of each kind."""

from pathlib import Path

import pytest

from lab.json_files import read
from lab.mail_findings import MailFindings
from tests.lab.designs import HEAD, HELD, run
from tests.lab.tree import Tree

pytestmark = pytest.mark.slow

NIGHTLY = ("tiny_fanout", "tiny_servers", "tiny_writes")
"""Designs of loads that take half a minute and more."""

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
    "tiny_faces": f"""{HEAD}    name="tiny_faces", question="Which face?",
    operations=("scenarios.operations.fetching:PRODUCT_CARDS", "scenarios.operations.fetching:PRODUCT_SCREEN"),
    variant={HELD}, keys=2, blocks=2, budget=10.0,
)
""",
    "tiny_serializers": f"""{HEAD}    name="tiny_serializers", question="Which way?", faces=("rest",),
    operations=("scenarios.operations.catalog:PRODUCT_LIST",),
    variants=(({HELD[1:-1]}, ("serializer", "drf")), ({HELD[1:-1]}, ("serializer", "database"))),
    parts=(("PostgreSQL", 1, 0),), keys=2, blocks=4, budget=14.0,
)
""",
    "tiny_hits": f"""{HEAD}    name="tiny_hits", question="What does a hit cost?",
    variants=((("cache", "view"), (ANSWER, "bare")), (("cache", "view"), (ANSWER, "hit"))),
    load=LoadDesign(walk="scenarios.operations.browsing:FIRST_PAGE", sessions=1, {LOAD}),
)
""",
}
"""An experiment of each kind, as a file of `experiments/` holds it."""


@pytest.mark.nightly
def test_mails_are_followed_from_order_to_sink(tree: Tree) -> None:
    """Both ways deliver every mail, and the first sentence says whether workers pay."""
    found = run(tree, "tiny_mail", design=DESIGNS["tiny_mail"])
    mails = read(found.path / "mail.json", MailFindings)
    assert [(cell.server, cell.lost, cell.failed) for cell in mails.cells] == [("inline", 0, 0), ("workers", 0, 0)]
    assert all(cell.mails == cell.orders > 10 for cell in mails.cells)
    assert [gain.server for gain in mails.gains] == ["workers"]
    assert "mail server" in found.findings.answer[0]
    Path(found.path / "report.html").unlink()
    assert tree.lab("report", str(found.path)).returncode == 0


@pytest.mark.parametrize("name", ["tiny_hits", *(pytest.param(name, marks=pytest.mark.nightly) for name in NIGHTLY)])
def test_loads_of_every_kind_come_to_their_end(tree: Tree, name: str) -> None:
    """Each arm is loaded at every number of users, and nothing it was answered was wrong."""
    found = run(tree, name, design=DESIGNS[name])
    assert found.load
    assert len(found.load.cells) >= 4
    assert not [cell.reason for cell in found.load.cells if "not the proven one" in cell.reason]
    assert not [cell for cell in found.load.cells if cell.failed]
    assert any(cell.state == "measured" for cell in found.load.cells)
    assert (" times the server's CPU " if name == "tiny_hits" else " carries ") in found.findings.answer[0]


@pytest.mark.nightly
def test_faces_are_compared_by_what_they_fetch(tree: Tree) -> None:
    """One line an operation, with bytes, trips and statements of both."""
    found = run(tree, "tiny_faces", design=DESIGNS["tiny_faces"])
    cards, screen, *_ = found.findings.answer
    assert cards.startswith("product_cards: ")
    assert " in 1 trip and " in cards
    assert " in 2 trips and " in screen
    assert "adds 1 ms more to REST's" in screen


def test_a_page_by_cursor_is_compared_with_the_same_by_number(tree: Tree) -> None:
    """The rows are proven equal; the cursor is learnt before, and counts for nothing."""
    found = run(tree, "tiny_paging", design=DESIGNS["tiny_paging"]).findings
    assert [line.partition(":")[0] for line in found.answer[:-1]] == [
        "product_list_page_1, REST", "product_list_page_1, GraphQL",
        "product_list_last_page, REST", "product_list_last_page, GraphQL",
        # How far each is from PostgreSQL alone.
        "product_list_page_1 by offset", "product_list_page_1 by keyset", "product_list_last_page by offset",
    ]  # fmt: skip
    assert all(cell.cold and cell.cold.statement_count == cell.cold.counted_by_database == 3 for cell in found.cells)
    assert {cell.cold.trips for cell in found.cells if cell.cold} == {1}
    last = {dict(cell.variant)["paging"]: cell.cold for cell in found.cells if "last" in cell.operation and cell.cold}
    assert last["keyset"].rows == last["offset"].rows
    assert "OFFSET" in " ".join(each.sql for each in last["offset"].statements)
    assert "OFFSET" not in " ".join(each.sql for each in last["keyset"].statements)


@pytest.mark.nightly
def test_ways_of_loading_are_compared_where_they_are(tree: Tree) -> None:
    """REST has two arms and GraphQL four; in batches a page takes six statements, whatever its size."""
    found = run(tree, "tiny_loading", design=DESIGNS["tiny_loading"]).findings
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


@pytest.mark.nightly
def test_ways_to_write_an_answer_are_set_against_postgresql_alone(tree: Tree) -> None:
    """Both cells have their distance from it, and the answer names it; raw times are kept."""
    found = run(tree, "tiny_serializers", design=DESIGNS["tiny_serializers"])
    [ceiling] = found.findings.ceilings
    assert ceiling.operation == "product_list"
    assert [bool(cell.ceiling_ratio) for cell in found.findings.cells] == [True, True]
    assert any(line.startswith("product_list: PostgreSQL alone needs ") for line in found.findings.answer)
    assert found.alone_file(0).is_file()
    assert "Over PostgreSQL alone" in (found.path / "report.html").read_text(encoding="utf-8")
