"""Yields what is wrong with the size of a GraphQL document: its depth, aliases, fields, directives and cost.

It executes nothing, and its own work is bounded: it is asked before a document is known to be valid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from targets.web.pagination import DEFAULT_SIZE, MAX_SIZE

MAX_DEPTH: Final = 10
MAX_ALIASES: Final = 15
MAX_FIELDS: Final = 250
MAX_ROOTS: Final = 5
MAX_DIRECTIVES: Final = 10
MAX_COST: Final = 8_000
MAX_OPERATIONS: Final = 5
MAX_FRAGMENTS: Final = 20

LISTS: Final = {"lines": 3, "tags": 5, "newestReviews": 3, "ancestors": 10}
"""The fields that give a list of their own, with how many that is about: each may cost a statement."""

PAGED: Final = frozenset({"productList", "productSearch", "alike", "orderList"})
"""The fields that give a page: what is asked of an item is asked once for each row of it."""


WAITING: Final = {"quoteList": 5_000}
"""The fields for which others are waited for, with what each counts as: so few of them fit into an operation."""


@dataclass(slots=True)
class Size:
    """How large an operation is. What a fragment holds counts wherever it is spread."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    roots: int = 0
    directives: int = 0
    cost: int = 0


def document_faults(document: DocumentNode) -> list[str]:
    """What is too large in a document, whatever its variables will be, in words; nothing when it may be validated."""
    fragments = sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions)
    operations = sum(isinstance(node, OperationDefinitionNode) for node in document.definitions)
    written = sum(_written(node) for node in document.definitions)
    # First what is only counted: what follows expands fragments, for each operation.
    counted = [
        f"A document may have at most {limit} {what}."
        for what, value, limit in (
            ("operations", operations, MAX_OPERATIONS),
            ("fragments", fragments, MAX_FRAGMENTS),
            ("fields", written, MAX_FIELDS),
        )
        if value > limit
    ]
    return counted or operation_faults(document, variables={})


def operation_faults(document: DocumentNode, *, variables: Mapping[str, Any]) -> list[str]:
    """What is too large in any of the document's operations with these variables, in words."""
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    told: dict[str, None] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            told.update(dict.fromkeys(_faults(_measured(node, fragments=fragments, variables=variables))))
    return list(told)


def _written(definition: DefinitionNode) -> int:
    """How many selections are written in a definition, whether it is used or not."""
    count = 0
    waiting = [getattr(definition, "selection_set", None)]
    while waiting:
        selections = waiting.pop()
        for node in selections.selections if selections else ():
            count += 1
            waiting.append(getattr(node, "selection_set", None))
    return count


def _faults(size: Size) -> Iterator[str]:
    for what, value, limit in (
        ("levels", size.depth, MAX_DEPTH),
        ("aliases", size.aliases, MAX_ALIASES),
        ("fields", size.fields, MAX_FIELDS),
        ("fields at its root", size.roots, MAX_ROOTS),
        ("directives", size.directives, MAX_DIRECTIVES),
        ("fields in all rows of its pages", size.cost, MAX_COST),
    ):
        if value > limit:
            yield f"An operation may have at most {limit} {what}."


def _measured(
    operation: OperationDefinitionNode, *, fragments: Mapping[str, SelectionSetNode], variables: Mapping[str, Any]
) -> Size:
    """The size of an operation, counted until there are too many fields: fragments in a circle have no end."""
    defaults = {node.variable.name.value: node.default_value for node in operation.variable_definitions}
    size = Size(directives=len(operation.directives))
    waiting = [(operation.selection_set, 1, 1)]
    while waiting and size.fields <= MAX_FIELDS:
        selections, depth, times = waiting.pop()
        for node in selections.selections:
            size.fields += 1
            size.directives += len(node.directives)
            if isinstance(node, FieldNode):
                size.roots += depth == 1
                size.aliases += node.alias is not None
                size.depth = max(size.depth, depth)
                size.cost += times * WAITING.get(node.name.value, 1)
                if node.selection_set is not None:
                    rows = _rows(node, variables=variables, defaults=defaults)
                    waiting.append((node.selection_set, depth + 1, times * rows))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, depth, times))
            elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
                waiting.append((fragments[node.name.value], depth, times))
    return size


def _rows(field: FieldNode, *, variables: Mapping[str, Any], defaults: Mapping[str, ValueNode | None]) -> int:
    """How many rows a field gives at most: the size of its page, be it written, a variable or a variable's default."""
    if field.name.value not in PAGED:
        return LISTS.get(field.name.value, 1)
    size = next((argument.value for argument in field.arguments if argument.name.value == "size"), None)
    if isinstance(size, VariableNode):
        given = variables.get(size.name.value)
        if isinstance(given, int):
            return _rows_of(given)
        size = defaults.get(size.name.value)
    if isinstance(size, IntValueNode):
        return _rows_of(int(size.value[:10]))
    return DEFAULT_SIZE


def _rows_of(size: int) -> int:
    """No page has more rows than MAX_SIZE: a larger one is refused, by its name, when it is asked for."""
    return min(max(size, 1), MAX_SIZE)
