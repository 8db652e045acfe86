"""Yields what the lab asks of a process: who it is, to settle its memory, and a bare answer to compare with.

Each of them is an address that leads nowhere unless the request carries the lab's token.
"""

import gc
import json
import os
import platform
from collections.abc import Callable
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path

import django
from django.conf import settings
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from targets.web.current import current_variant
from targets.web.errors import InvalidError, error_response
from targets.web.lab_mode import in_lab_mode
from targets.web.parameters import ParameterReader

_TARGETS = Path(__file__).resolve().parents[1]
_MAX_BARE_BYTES = 10_000_000

# In PostgreSQL 14 the owner of a database may not comment on its schema `public`: the loader then writes to a table.
_COMMENTS = """
    SELECT obj_description(to_regnamespace('public'), 'pg_namespace'),
           obj_description(to_regclass('accounts_user'), 'pg_class')
"""

View = Callable[[HttpRequest], HttpResponse]


def _for_the_lab(method: str) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            if not in_lab_mode(request):
                raise Http404
            return view(request) if request.method == method else HttpResponseNotAllowed([method])

        return guarded

    return decorate


@_for_the_lab("GET")
def identity(request: HttpRequest) -> HttpResponse:
    """Which variant, code and data this process serves the request by."""
    return JsonResponse(
        {
            "variant": str(current_variant()),
            "commit": settings.TARGET_COMMIT,
            "source": source_digest(),
            "django": django.get_version(),
            "python": platform.python_version(),
            "pid": os.getpid(),
            "databases": {alias: _dataset(alias) for alias in settings.DATABASES},
        }
    )


@_for_the_lab("POST")
def settle(request: HttpRequest) -> HttpResponse:
    """Collect garbage now and exempt what remains from later collections."""
    gc.collect()
    gc.freeze()
    return HttpResponse(status=204)


@_for_the_lab("GET")
def bare(request: HttpRequest) -> HttpResponse:
    """JSON of exactly `bytes` bytes, from no database: what an answer of that size costs at least."""
    reader = ParameterReader(request.GET.dict())
    size = reader.whole("bytes", default=2, low=2, high=_MAX_BARE_BYTES)
    try:
        reader.finish()
    except InvalidError as error:
        return error_response(error)
    return HttpResponse(b'"%s"' % (b"." * (size - 2)), content_type="application/json")


@cache
def source_digest() -> str:
    """A digest of every Python file of the project, by relative path."""
    digest = sha256()
    for path in sorted(_TARGETS.rglob("*.py"), key=lambda path: path.relative_to(_TARGETS).as_posix()):
        digest.update(path.relative_to(_TARGETS).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _dataset(alias: str) -> str | None:
    """What the loader of the data wrote beside it: the first comment that is a JSON object."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_COMMENTS)
        comments: tuple[str | None, ...] = cursor.fetchone()
    return next((comment for comment in comments if _is_object(comment)), None)


def _is_object(comment: str | None) -> bool:
    """False for PostgreSQL's own comment on a new schema, `standard public schema`."""
    try:
        return isinstance(json.loads(comment or ""), dict)
    except ValueError:
        return False
