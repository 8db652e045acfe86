"""Arms in place of a design: what is asked of them, how each grows, and what the answer and the page say of it."""

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from experiments.pagination import EXPERIMENT as PAGINATION
from lab.asker import Asker, Subject
from lab.derive import derive
from lab.errors import LabError
from lab.experiment import Arm, Experiment
from lab.findings import Findings
from lab.http import Client
from lab.operations import Keyed, load_operations
from lab.plan import PlannedCell
from reports.html import render
from scenarios.operations.operation import Request
from tests.fakes import FLOOR, FakeRun
from tests.truth.running import truth_server

HELD = (("cache", "off"),)
WAYS = Experiment(
    name="ways", question="Which way?", operations=("fake:LIST_10", "fake:LIST_50", "fake:LIST_100", "fake:CARDS"),
    variants=(
        (("select_related", "off"), ("by", "rows"), *HELD),
        (("select_related", "on"), ("by", "rows"), *HELD),
        (("select_related", "on"), ("by", "batches"), *HELD),
    ),
    limited=((2, "graphql"),),
    parts=(("joins", 1, 0), ("batches", 2, 1)),
    along=(("list_10", 10), ("list_50", 50), ("list_100", 100)), along_what="rows a page",
)  # fmt: skip


def times(cell: PlannedCell) -> float:
    """A millisecond for each row, half as long with joins, and a tenth less in batches."""
    if cell.arm is None:
        return FLOOR
    rows = float(cell.operation.partition("_")[2] or 20)
    levels = dict(cell.arm.variant)
    return 0.001 * rows * (0.5 if levels["select_related"] == "on" else 1) * (0.9 if levels["by"] == "batches" else 1)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The findings of a run of such an experiment."""
    return derive(FakeRun(experiment=WAYS, seconds=times, rounds=24).make(tmp_path_factory.mktemp("ways") / "run"))


def test_the_answer_says_how_each_arm_grows(found: Findings) -> None:
    """One line a face, from the least number to the greatest: statements exactly, and times."""
    rest, graphql, *_ = found.answer
    assert rest.startswith("REST, 10 to 100 rows a page: rows 41 statements, ")
    assert "; select_related, rows 21 statements, " in rest
    assert "batches" not in rest
    assert graphql.startswith("GraphQL, 10 to 100 rows a page: ")
    assert "; select_related, batches 21 statements, 4.5" in graphql


def test_the_answer_compares_at_the_greatest_number_and_at_what_stands_alone(found: Findings) -> None:
    """Not at each number: the last speaks for all, and with the statements behind it."""
    told = found.answer[2:-1]
    assert [line.partition(":")[0] for line in told] == [
        "list_100, REST", "list_100, GraphQL", "cards, REST", "cards, GraphQL",
    ]  # fmt: skip
    assert "joins " in told[0]
    assert "x faster [" in told[0]
    assert "with 20 statements less" in told[0]
    assert "batches" not in told[0]
    assert "batches " in told[1]


def test_the_page_draws_how_each_arm_grows(found: Findings) -> None:
    """A chart a face with a line an arm, and its numbers as a table."""
    page = render(found)
    assert '<section id="along">' in page
    assert "How each arm grows" in page
    assert "REST, 10 to 100 rows a page: rows from 10" in page
    assert page.count("along-0") > 0
    assert page.count("along-1") > 0
    assert "along-2" not in page
    assert '<section id="along">' not in render(replace(found, along=()))


def test_a_run_that_ended_early_says_what_it_has(tmp_path: Path) -> None:
    """Cells without a time are in no line of growth, and the page stands."""
    run = FakeRun(experiment=WAYS, seconds=times, rounds=24)
    void = {run.number(operation="list_100", face="rest", select_related="off"): "too slow"}
    part = derive(replace(run, proof_void=void).make(tmp_path / "run"))
    rest = part.answer[0]
    assert rest.startswith("REST, 10 to 100 rows a page: select_related, rows ")
    assert "How each arm grows" in render(part)


def test_a_dataset_without_such_a_page_is_refused() -> None:
    """What cannot be asked of it is named, with what helps."""
    with pytest.raises(LabError) as refusal:
        load_operations(PAGINATION, dataset="small", seed=1)
    assert str(refusal.value) == "product_list_page_1000 cannot be asked: small has 25 pages of 20, and no page 1000"
    assert "--dataset" in refusal.value.hint
    assert len(load_operations(PAGINATION, dataset="medium", seed=1)) == 4


@dataclass(frozen=True)
class Leafing:
    """An operation that a client begins by asking for something else."""

    name: str = "leafing"
    paged: None = None
    comparable: None = None

    def sample(self, random: Any, size: Any, /) -> int:
        return 1

    def request(self, face: str, parameters: Any, paging: str = "", /) -> Request:
        if paging != "keyset":
            return Request(method="GET", path="/page")
        return Request(method="GET", path="/before", follow=self._after, is_prelude=True)

    def _after(self, answer: bytes) -> Request:
        if b"next" not in answer:
            raise ValueError("it tells nothing")
        return Request(method="GET", path=f"/after?bytes={len(answer)}")

    def read(self, face: str, status: int, body: bytes, /) -> bytes:
        return body


def subject(paging: str) -> Subject:
    """A cell that asks for it."""
    arm = Arm(server="a", face="rest", variant=(("paging", paging),))
    return Subject(index=0, keyed=Keyed(operation=Leafing(), keys=(1,)), arm=arm)


def test_a_prelude_tells_what_to_ask_and_is_no_trip(tmp_path: Path) -> None:
    """It is sent once; the answer, its time and its trips are those of what follows alone."""
    body = tmp_path / "body"
    body.write_bytes(b'{"next": 1}')
    with truth_server("fixed", "--body-file", body) as server, closing(Client(server.url)) as client:
        asker = Asker(clients={"a": client}, token="", credentials={})
        for _ in range(2):
            answer = asker.send(subject("keyset"), key=0)
            assert (answer.status, answer.body, asker.trips(subject("keyset"), key=0)) == (200, b'{"next": 1}', 1)
        assert asker.learnt(subject("keyset"), key=0) == (("GET", "/after?bytes=11", None),)
        asker.send(subject("offset"), key=0)
        assert asker.learnt(subject("offset"), key=0) == ()


@pytest.mark.parametrize(("words", "said"), [(("--status", "500"), "status 500"), ((), "it tells nothing")])
def test_a_prelude_that_tells_nothing_ends_the_proof(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Nothing could be compared, so nothing is measured."""
    body = tmp_path / "body"
    body.write_bytes(b"{}")
    with truth_server("fixed", "--body-file", body, *words) as server, closing(Client(server.url)) as client:
        asker = Asker(clients={"a": client}, token="", credentials={})
        with pytest.raises(LabError, match=said):
            asker.send(subject("keyset"), key=0)
