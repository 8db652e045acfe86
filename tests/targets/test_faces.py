import ast
from pathlib import Path

import pytest

TARGETS = Path(__file__).parents[2] / "targets"
FACES = sorted(path for name in ("rest_api.py", "graphql_api.py") for path in TARGETS.glob(f"*/{name}"))
FORBIDDEN = {
    *("objects", "filter", "exclude", "all", "order_by", "select_related", "prefetch_related", "raw", "annotate"),
    *("aggregate", "using", "save", "delete", "create", "update", "connection", "connections", "cursor", "extra"),
}


def queries(source: str) -> list[str]:
    """Names in `source` that ask the database."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name | ast.Attribute)]
    names = [(node.lineno, node.id if isinstance(node, ast.Name) else node.attr) for node in nodes]
    return [f"{line}: {name}" for line, name in names if name in FORBIDDEN]


@pytest.mark.parametrize("path", FACES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_face_asks_no_database(path: Path):
    """Faces call selectors, services and loaders only."""
    assert queries(path.read_text(encoding="utf-8")) == []


def test_both_faces_are_looked_at():
    """The rule would say nothing if the files were renamed."""
    assert {f"{path.parent.name}/{path.name}" for path in FACES} >= {"catalog/rest_api.py", "catalog/graphql_api.py"}


@pytest.mark.parametrize(
    "source",
    ["Product.objects", "a.b.filter(id=1)", "from django.db import connection\nconnection.cursor()", "x.raw('SELECT')"],
)
def test_a_query_in_a_face_is_caught(source: str):
    """The rule finds what it is for."""
    assert queries(source)
