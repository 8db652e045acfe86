"""Yields `schema`, the GraphQL schema that the apps' queries and mutations make together."""

import graphene

from targets.accounts.graphql_api import AccountsMutation, AccountsQuery
from targets.catalog.graphql_api import CatalogMutation, CatalogQuery
from targets.orders.graphql_api import OrdersMutation, OrdersQuery


class Query(OrdersQuery, CatalogQuery, AccountsQuery, graphene.ObjectType):
    """What can be asked."""


class Mutation(OrdersMutation, CatalogMutation, AccountsMutation, graphene.ObjectType):
    """What can be changed."""


schema = graphene.Schema(query=Query, mutation=Mutation)
