"""Execution in batches gives what execution row by row gives, and reads once what a level asks for."""

from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute_sync,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from targets.web.batches import deferred, execute_in_batches

Tree = dict[str, Any]
"""A node: its `id` and, by field, the id of another, ids of others, None, or the text of an error."""

ENTRY = "{ id name maybe { id } must { id } many { id must { id } } few { id maybe { id } } }"
DOCUMENT = parse(f"{{ id name maybe {ENTRY} must {ENTRY} many {ENTRY} few {ENTRY} other: must {ENTRY} }}")


class Shop:
    """Nodes by id, and every call by which they were read."""

    def __init__(self, nodes: dict[int, Tree]) -> None:
        self.nodes = nodes
        self.calls: list[tuple[int, ...]] = []

    def read(self, ids: tuple[int, ...]) -> dict[int, Tree]:
        """The nodes of these ids."""
        self.calls.append(ids)
        return {each: self.nodes[each] for each in ids if each in self.nodes}

    def one(self, id_: int) -> Any:
        """A node, later where that is possible."""
        return deferred(self.read, id_) or self.read((id_,))[id_]


def schema_of(shop: Shop) -> GraphQLSchema:
    """Nodes that know each other, singly and in lists, as what may be null and as what must not."""

    def related(node: Tree, name: str) -> Any:
        told = node.get(name)
        if isinstance(told, str):
            raise ValueError(told)
        if isinstance(told, list):
            return [None if each is None else shop.one(each) for each in told]
        return None if told is None else shop.one(told)

    def field(kind: Any, name: str) -> GraphQLField:
        return GraphQLField(kind, resolve=lambda node, _info: related(node, name))

    node = GraphQLObjectType(
        "Node",
        lambda: {
            "id": GraphQLField(GraphQLNonNull(GraphQLInt), resolve=lambda node, _info: node["id"]),
            "name": GraphQLField(GraphQLString, resolve=lambda node, _info: f"node {node['id']}"),
            "maybe": field(node, "maybe"),
            "must": field(GraphQLNonNull(node), "must"),
            "many": field(GraphQLNonNull(GraphQLList(GraphQLNonNull(node))), "many"),
            "few": field(GraphQLList(node), "few"),
        },
    )
    return GraphQLSchema(GraphQLObjectType("Query", lambda: {
        name: GraphQLField(each.type, resolve=lambda root, info, resolve=each.resolve: resolve(root, info))
        for name, each in node.fields.items()
    }))  # fmt: skip


ids = st.integers(0, 5)
"""Of which 5 is no node's: to read it fails."""

faults = st.just("broken")
nodes = st.fixed_dictionaries(
    {
        "maybe": st.none() | ids | faults,
        "must": st.none() | ids | faults,
        "many": st.lists(ids | st.none(), max_size=3) | faults,
        "few": st.none() | st.lists(ids | st.none(), max_size=3) | faults,
    }
)
shops = st.lists(nodes, min_size=5, max_size=5).map(
    lambda found: Shop({number: {"id": number, **node} for number, node in enumerate(found)})
)
sound = st.builds(
    lambda must, others: {**others, "must": must},
    st.integers(0, 4),
    st.fixed_dictionaries({
        "maybe": st.none() | st.integers(0, 4), "many": st.lists(st.integers(0, 4), max_size=3),
        "few": st.none() | st.lists(st.integers(0, 4) | st.none(), max_size=3),
    }),
)  # fmt: skip
sound_shops = st.lists(sound, min_size=5, max_size=5).map(
    lambda found: Shop({number: {"id": number, **node} for number, node in enumerate(found)})
)


@given(shop=shops)
def test_batches_give_the_data_of_single_reads(shop: Shop):
    """Whatever is null, missing or broken, and whatever must not be: the same data, and errors where there are some."""
    schema = schema_of(shop)
    singly = execute_sync(schema, DOCUMENT, root_value=shop.nodes[0])
    together = execute_in_batches(schema, document=DOCUMENT, root_value=shop.nodes[0])
    assert together.data == singly.data
    assert bool(together.errors) == bool(singly.errors)
    assert list(together.data or {}) == list(singly.data or {})


@given(shop=sound_shops)
def test_every_node_is_read_once(shop: Shop):
    """At most one call a level, and of a node that several ask for one only; single reads take a call each."""
    result = execute_in_batches(schema_of(shop), document=DOCUMENT, root_value=shop.nodes[0])
    assert not result.errors
    assert len(shop.calls) <= 3
    read = [each for call in shop.calls for each in call]
    assert len(read) == len(set(read))
    assert all(list(call) == sorted(call) for call in shop.calls)


def test_a_level_waits_for_all_who_ask():
    """Two lists of different parents, and one under an alias, are one call."""
    shop = Shop({number: {"id": number, "must": (number + 1) % 5, "many": [1, 2, 3]} for number in range(5)})
    document = parse("{ many { must { id } } again: many { must { id } } must { many { id } } }")
    result = execute_in_batches(schema_of(shop), document=document, root_value=shop.nodes[0])
    assert not result.errors
    assert shop.calls == [(1, 2, 3), (4,)]


def test_errors_are_told_with_their_paths():
    """An item that cannot be read is null where it may be, and its error says where it stands."""
    shop = Shop({0: {"id": 0, "few": [0, 9, None], "must": 0}})
    result = execute_in_batches(schema_of(shop), document=parse("{ few { id } id }"), root_value=shop.nodes[0])
    assert result.data == {"few": [{"id": 0}, None, None], "id": 0}
    assert [(error.path, type(error.original_error)) for error in result.errors or ()] == [(["few", 1], KeyError)]


def test_a_read_that_fails_is_the_error_of_all_who_wait_for_it():
    """Each place has it, once."""

    def away(ids: tuple[int, ...]) -> dict[int, Tree]:
        raise OSError("the database is away")

    shop = Shop({0: {"id": 0, "few": [1, 2], "must": 0}})
    shop.read = away  # type: ignore[method-assign]
    result = execute_in_batches(schema_of(shop), document=parse("{ few { id } }"), root_value=shop.nodes[0])
    assert result.data == {"few": [None, None]}
    assert [(error.path, str(error.original_error)) for error in result.errors or ()] == [
        (["few", 0], "the database is away"), (["few", 1], "the database is away"),
    ]  # fmt: skip


def test_without_batches_nothing_is_deferred():
    """Whoever asks outside of such an execution reads for himself."""
    shop = Shop({0: {"id": 0, "few": [0], "must": 0}})
    assert shop.one(0) == shop.nodes[0]
    assert deferred(shop.read, 0) is None
    execute_in_batches(schema_of(shop), document=parse("{ few { id } }"), root_value=shop.nodes[0])
    assert deferred(shop.read, 0) is None


class Stuck:
    """What is awaited and never comes."""

    def __await__(self) -> Any:
        while True:
            yield


def test_what_nobody_reads_is_no_endless_wait(monkeypatch: pytest.MonkeyPatch):
    """An execution that could only wait ends as a defect."""
    shop = Shop({0: {"id": 0, "must": 0}})
    schema = schema_of(shop)

    async def waiting(*_: Any) -> Any:
        return await Stuck()

    assert schema.query_type
    monkeypatch.setattr(schema.query_type.fields["must"], "resolve", waiting)
    with pytest.raises(RuntimeError):
        execute_in_batches(schema, document=parse("{ must { id } }"), root_value=shop.nodes[0])
