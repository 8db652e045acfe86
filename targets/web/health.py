"""Yields `/healthz`, by which whoever runs a server asks whether it can serve. It wants no credentials.

It asks the database, without which nothing is answered right. Without the cache all is answered, only later; and a
broker that is away holds up mails, which the outbox keeps: a server is not unwell for that.
"""

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from targets.web.errors import UnavailableError, error_response


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 when the database answered just now, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return error_response(UnavailableError())
    return JsonResponse({"database": "answers"})
