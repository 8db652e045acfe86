import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from scenarios.operations.catalog import LIST_DOCUMENT, PRODUCT_LIST, ListParameters
from targets.variants import Variant
from tests.targets.subject import TargetClient


@pytest.fixture
def evidence(tmp_path: Path):
    path = tmp_path / "evidence.jsonl"
    with override_settings(TARGET_EVIDENCE=str(path)):
        yield path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_line_tells_what_the_request_did(target_client: TargetClient, evidence: Path, face: str):
    """One line a request, with each statement, the rows, the time, and the line of the project that issued it."""
    request = PRODUCT_LIST.request(face, ListParameters())
    variant = "select_related=off; prefetch_related=off; indexes=off"
    status, body = target_client(request, variant=variant, headers={"Lab-Request": "r-1"})
    [line] = lines(evidence)
    assert set(line) == {
        *("request", "variant", "method", "path", "status", "bytes", "seconds", "database_seconds"),
        *("statements", "cache"),
    }
    assert line["request"] == "r-1"
    assert line["variant"] == str(Variant().with_levels(variant))
    assert (line["method"], line["path"]) == (request.method, request.path)
    assert (line["status"], line["bytes"]) == (status, len(body)) == (200, len(body))
    assert 0 < line["database_seconds"] < line["seconds"]
    assert line["cache"] == []
    first = line["statements"][0]
    assert set(first) == {"database", "sql", "literal", "rows", "seconds", "line"}
    assert first["database"] == "bare"
    assert first["rows"] == 21
    issued = {
        statement["line"].split(":")[0] + statement["line"][statement["line"].index(" ") :]
        for statement in line["statements"]
    }
    assert issued == {
        "targets/catalog/selectors.py _listed_products",
        "targets/catalog/loaders.py _brand",
        "targets/catalog/loaders.py _category",
        "targets/catalog/loaders.py _tags",
        "targets/catalog/loaders.py _listed_reviews",
        "targets/catalog/loaders.py _author",
    }


def test_the_literal_statement_can_be_explained(target_client: TargetClient, evidence: Path):
    """Whoever reads the file can ask PostgreSQL for the plan of each statement."""
    target_client(PRODUCT_LIST.request("rest", ListParameters()), headers={"Lab-Request": "x"})
    for statement in lines(evidence)[0]["statements"]:
        with connections[statement["database"]].cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON) " + statement["literal"].replace("%", "%%"), ())
            assert cursor.fetchone()[0][0]["Plan"]


def test_cache_look_ups_are_told(target_client: TargetClient, evidence: Path):
    """The first answer is a miss of both levels; the second a hit of the whole view, with its bytes and headers."""
    request = PRODUCT_LIST.request("rest", ListParameters())
    for _ in range(2):
        _, body = target_client(request, variant="cache=both", headers={"Lab-Request": "x"})
    cold, warm = lines(evidence)
    assert [(look["level"], look["outcome"]) for look in cold["cache"]] == [("view", "miss"), ("query", "miss")]
    [hit] = warm["cache"]
    assert (hit["level"], hit["outcome"]) == ("view", "hit")
    assert 0 < hit["bytes"] - len(body) < 100
    assert set(warm["cache"][0]) == {"level", "outcome", "waited", "computed", "key", "bytes", "stored", "seconds"}
    assert [(look["waited"], look["computed"]) for look in cold["cache"] + warm["cache"]] == [
        (False, True), (False, True), (False, False),
    ]  # fmt: skip
    assert warm["statements"] == []


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_evidence_tells_what_the_cache_has_of_an_answer(target_client: TargetClient, evidence: Path, face: str):
    """A page of 20 is stored as it is, with its stamp; one of 100 is compressed. A miss and its hit tell the same."""
    for size in (20, 100):
        for _ in range(2):
            request = PRODUCT_LIST.request(face, ListParameters(size=size))
            _, body = target_client(request, variant="cache=view", headers={"Lab-Request": "x"})
        *_, miss, hit = (line["cache"][0] for line in lines(evidence))
        assert (miss["outcome"], hit["outcome"]) == ("miss", "hit")
        assert (miss["bytes"], miss["stored"]) == (hit["bytes"], hit["stored"])
        assert 0 < hit["bytes"] - len(body) < 100
        assert (hit["stored"] < hit["bytes"] / 2) is (size == 100)
        assert (hit["stored"] > hit["bytes"]) is (size == 20)


def test_evidence_is_off_unless_asked_for(target_client: TargetClient, evidence: Path):
    """Without the header, or with it but without the token, nothing is written."""
    request = PRODUCT_LIST.request("rest", ListParameters(size=1))
    target_client(request)
    target_client(request, token=None, headers={"Lab-Request": "x"})
    target_client(request, token="wrong", headers={"Lab-Request": "x"})
    assert lines(evidence) == []


def test_evidence_changes_no_answer_and_is_private(target_client: TargetClient, evidence: Path):
    """The body is the same with and without evidence, and only the owner may read the file."""
    request = PRODUCT_LIST.request("rest", ListParameters(size=2))
    plain = target_client(request)
    assert target_client(request, headers={"Lab-Request": "x"}) == plain
    assert stat.S_IMODE(evidence.stat().st_mode) == 0o600


def test_the_document_is_the_operations_own():
    """The proof and the load send the same document."""
    body = PRODUCT_LIST.request("graphql", ListParameters()).body
    assert body is not None
    assert json.loads(body)["query"] == LIST_DOCUMENT
