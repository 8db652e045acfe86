"""Yields the URLs of both faces and of lab mode."""

from django.urls import include, path

from targets.catalog import rest_api as catalog
from targets.config.schema import schema
from targets.web.graphql_view import graphql_view
from targets.web.identity import bare, identity, settle

urlpatterns = [
    path("api/", include(catalog.router.urls)),
    path("graphql", graphql_view(schema)),
    path("identity", identity),
    path("settle", settle),
    path("bare", bare),
]

handler400 = "targets.web.errors.bad_request"
handler404 = "targets.web.errors.page_not_found"
handler500 = "targets.web.errors.internal_error"
