"""Yields the scalars of the GraphQL face.

Those for input check the kind of a value only: its range is judged by the same code as in REST.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import graphene
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode

from targets.web.texts import decimal_text, utc_text


class DecimalText(graphene.Scalar):
    """A decimal number as text with two places."""

    @staticmethod
    def serialize(value: Decimal) -> str:
        return decimal_text(value)

    @staticmethod
    def parse_value(value: Any) -> str:
        if not isinstance(value, str):
            raise GraphQLError("A decimal number is written as text.")
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: Any = None) -> str:
        if not isinstance(node, StringValueNode):
            raise GraphQLError("A decimal number is written as text.")
        return node.value


class UtcTime(graphene.Scalar):
    """A moment in UTC, ISO 8601 with microseconds."""

    @staticmethod
    def serialize(value: datetime) -> str:
        return utc_text(value)


class WholeNumber(graphene.Scalar):
    """A whole number of any size."""

    @staticmethod
    def serialize(value: int) -> int:
        return value

    @staticmethod
    def parse_value(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise GraphQLError("A whole number is wanted.")
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: Any = None) -> int:
        if not isinstance(node, IntValueNode) or len(node.value) > 30:
            raise GraphQLError("A whole number is wanted.")
        return int(node.value)
