"""Yields the URLs of both faces and of lab mode."""

from django.urls import include, path

from targets.accounts import rest_api as accounts
from targets.accounts.entrance import confirm_actor, entrance
from targets.catalog import rest_api as catalog
from targets.config.schema import schema
from targets.web.graphql_view import graphql_refusal, graphql_view
from targets.web.identity import bare, identity, settle

# Whether a GraphQL request changes something is known once its document is read: the view confirms then.
graphql = entrance(refuse=graphql_refusal, is_write=lambda _: False)(
    graphql_view(schema, before_mutation=confirm_actor)
)

urlpatterns = [
    path("api/", include([*accounts.router.urls, *catalog.router.urls])),
    path("graphql", graphql),
    path("identity", identity),
    path("settle", settle),
    path("bare", bare),
]

handler400 = "targets.web.errors.bad_request"
handler404 = "targets.web.errors.page_not_found"
handler500 = "targets.web.errors.internal_error"
