"""Yields the URLs of both faces, of lab mode, and of a server's health."""

from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from targets.accounts import rest_api as accounts
from targets.accounts.entrance import confirm_actor, entrance
from targets.catalog import rest_api as catalog
from targets.config.schema import schema
from targets.orders import rest_api as orders
from targets.web.event_loop import in_event_loop
from targets.web.graphql_view import GraphQLView, graphql_refusal
from targets.web.health import health
from targets.web.identity import bare, identity, settle

# Whether a GraphQL request changes something is known once its document is read: the view confirms then.
graphql_face = GraphQLView(schema, before_mutation=confirm_actor, awaited=frozenset({"quoteList"}))
graphql_guard = entrance(refuse=graphql_refusal, is_write=lambda _: False)
graphql: Any = graphql_guard(graphql_face.view())
in_loop: list[Any] = []

if settings.INTERFACE == "asgi":
    graphql = in_event_loop(
        graphql_face.view(), guard=graphql_guard, awaited=graphql_face.answer_awaited,
        is_awaited=graphql_face.is_awaited, refuse=graphql_refusal,
    )  # fmt: skip
    quotes: Any = in_event_loop(
        orders.QuoteViewSet.unguarded({"get": "list"}),
        guard=entrance(is_write=lambda _: False),
        awaited=orders.quotes_async,
        is_awaited=lambda request: request.method == "GET",
    )
    in_loop.append(path("api/quotes/", quotes))

urlpatterns: list[URLPattern | URLResolver] = [
    *in_loop,
    # They are tried in turn: what is asked most comes first.
    path("api/", include([*catalog.router.urls, *orders.router.urls, *accounts.router.urls])),
    path("graphql", graphql),
    path("healthz", health),
    path("identity", identity),
    path("settle", settle),
    path("bare", bare),
]

if settings.SEAT:
    from targets.seat.urls import patterns

    urlpatterns += patterns(schema=schema, rest=[*catalog.router.urls, *orders.router.urls, *accounts.router.urls])

handler400 = "targets.web.errors.bad_request"
handler404 = "targets.web.errors.page_not_found"
handler500 = "targets.web.errors.internal_error"
