"""Yields pages around what the API answers: browsable REST; and whoever is in the admin site is known to the API.

The answer on a page is the one that a client gets, made by the same code, from the same caches.
"""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from targets.accounts.tokens import pair_for

Answering = Callable[[HttpRequest], HttpResponse]


class ActorMiddleware:
    """Asks the API with an access token of whoever is logged in to the admin site, where a request brings none."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_asked = request.path.startswith(("/api/", "/graphql")) and "HTTP_AUTHORIZATION" not in request.META
        if is_asked and settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            request.META["HTTP_AUTHORIZATION"] = f"Bearer {pair_for(request.user).access}"
        return self.get_response(request)


class PagesMiddleware:
    """Shows a browser the answers of REST as REST framework's browsable pages."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (request.path.startswith("/api/") and "text/html" in request.META.get("HTTP_ACCEPT", "")):
            return self.get_response(request)
        # As most clients ask, whose cached answers are then its own.
        request.META["HTTP_ACCEPT"] = "*/*"
        answer = self.get_response(request)
        if not (answer.headers.get("Content-Type", "").startswith("application/json") or answer.status_code == 204):
            return answer
        text = render_to_string("seat/answer.html", _context(request, answer), request=request)
        # A browser would not show a page with 204.
        page = HttpResponse(text, status=200 if answer.status_code == 204 else answer.status_code)
        page.answer = answer  # type: ignore[attr-defined]
        return page


class _RawForm(forms.Form):
    """A body as it is sent; the attributes are what REST framework's script looks for."""

    _content_type = forms.ChoiceField(
        label="Media type", choices=[("application/json", "application/json")],
        widget=forms.Select(attrs={"data-override": "content-type"}),
    )  # fmt: skip
    _content = forms.CharField(
        label="Content", initial="{}", widget=forms.Textarea(attrs={"data-override": "content", "rows": 8})
    )


def _context(request: HttpRequest, answer: HttpResponse) -> dict[str, Any]:
    """What REST framework's own template is told by its renderer."""
    view = request.resolver_match.func if request.resolver_match else None
    actions: dict[str, str] = getattr(view, "actions", {})
    shown = actions.get("get") or next(iter(actions.values()), "")
    body = json.dumps(json.loads(answer.content), indent=2, ensure_ascii=False) if answer.content else ""
    return {
        "name": request.path,
        "description": getattr(getattr(view, "cls", None), shown, None).__doc__ if shown else "",
        "content": body,
        "response": {"status_code": answer.status_code, "status_text": answer.reason_phrase},
        "response_headers": dict(answer.headers.items()),
        "breadcrumblist": [("Seat", "/"), (request.path, request.path)],
        "allowed_methods": [method.upper() for method in actions],
        "display_edit_forms": True,
        "delete_form": "delete" in actions,
        "raw_data_post_form": _RawForm() if "post" in actions else None,
        "raw_data_patch_form": _RawForm() if "patch" in actions else None,
        "raw_data_put_form": _RawForm() if "put" in actions else None,
        "raw_data_put_or_patch_form": _RawForm(),
    }
