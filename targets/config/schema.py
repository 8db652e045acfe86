"""Yields `schema`, the GraphQL schema that the apps' queries make together."""

import graphene

from targets.catalog.graphql_api import CatalogQuery


class Query(CatalogQuery, graphene.ObjectType):
    """What can be asked."""


schema = graphene.Schema(query=Query)
