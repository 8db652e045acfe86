"""Yields `look_ahead`, what a GraphQL document selects below the field that is being resolved. It reads nothing.

Fragments, aliases, `@include` and `@skip` are taken apart by what executes the document too, so the two agree.
"""

from collections.abc import Sequence

from graphene.utils.str_converters import to_snake_case
from graphql import FieldNode, GraphQLNamedType, GraphQLObjectType, GraphQLResolveInfo, get_named_type
from graphql.execution.collect_fields import collect_sub_fields

from targets.web.current import current_variant
from targets.web.selection import Selection


def look_ahead(info: GraphQLResolveInfo) -> Selection | None:
    """What is selected, by the names that models have; None where the variant of this request does not look ahead."""
    if current_variant().resolving != "lookahead":
        return None
    return _selected(info, get_named_type(info.return_type), info.field_nodes)


def _selected(info: GraphQLResolveInfo, kind: GraphQLNamedType, nodes: Sequence[FieldNode]) -> Selection:
    if not isinstance(kind, GraphQLObjectType):
        return Selection()
    named: dict[str, list[FieldNode]] = {}
    for same in collect_sub_fields(info.schema, info.fragments, info.variable_values, kind, list(nodes)).values():
        # What one field is asked for under several aliases is read once.
        named.setdefault(same[0].name.value, []).extend(same)
    return Selection.of(
        {
            to_snake_case(name): _selected(info, get_named_type(kind.fields[name].type), found)
            for name, found in named.items()
            if name in kind.fields
        }
    )
