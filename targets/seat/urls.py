"""Yields the addresses of the seat: its home, GraphiQL, Swagger UI, the admin site, the debug toolbar, its knobs."""

from collections.abc import Iterable
from typing import Any

import graphene
from debug_toolbar.toolbar import debug_toolbar_urls
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from graphql import introspection_from_schema

from targets.seat.knobs import changes_of, levels_of, switch
from targets.web.current import current_variant


def patterns(*, schema: graphene.Schema, rest: Iterable[URLPattern | URLResolver]) -> list[Any]:
    """The addresses, beside those of a GraphQL schema and of REST's views."""
    names = sorted({pattern.name for pattern in rest if isinstance(pattern, URLPattern) and pattern.name})

    def home(request: HttpRequest) -> HttpResponse:
        variant = current_variant()
        told = {"lists": _addresses(names), "knobs": levels_of(variant), "changes": changes_of(variant)}
        return render(request, "seat/home.html", told)

    def graphiql(request: HttpRequest) -> HttpResponse:
        return render(request, "seat/graphiql.html")

    def introspection(request: HttpRequest) -> HttpResponse:
        # GraphiQL's own question for it is deeper than the API lets any document be.
        return JsonResponse({"data": introspection_from_schema(schema.graphql_schema)})

    return [
        path("", home, name="seat-home"),
        path("graphiql", graphiql, name="seat-graphiql"),
        path("seat/introspection", introspection, name="seat-introspection"),
        path("seat/knobs", switch, name="seat-knobs"),
        path("openapi", SpectacularAPIView.as_view(), name="seat-openapi"),
        path("swagger", SpectacularSwaggerView.as_view(url_name="seat-openapi"), name="seat-swagger"),
        path("admin/", admin.site.urls),
        *debug_toolbar_urls(),
    ]


def _addresses(names: Iterable[str]) -> list[str]:
    """The addresses of those that need no argument."""
    found = []
    for name in names:
        try:
            found.append(reverse(name))
        except NoReverseMatch:
            continue
    return found
