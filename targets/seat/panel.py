"""Yields the panel of the seat in the debug toolbar: a request's variant, its counted evidence, and knobs to click.

It counts nothing itself: what it shows is what `targets.web.evidence` writes down for the lab.
"""

import time
from typing import Any, Final

from debug_toolbar.panels import Panel
from django.http import HttpRequest, HttpResponse

from targets.seat.knobs import changes_of, levels_of
from targets.web.current import current_variant
from targets.web.evidence import Recorder, recorded

_LONGEST: Final = 600
"""Characters of a statement that are shown; the SQL panel has all of them."""


class KnobsPanel(Panel):
    """What the lab would count of this request, and the knobs by which the next one is served."""

    title = nav_title = "Knobs and evidence"
    template = "seat/panel.html"

    def process_request(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with recorded() as recorder:
            response: HttpResponse = self.get_response(request)
        self.seconds, self.recorder = time.perf_counter() - began, recorder
        return response

    @property
    def nav_subtitle(self) -> str:
        stats = self.get_stats()
        if not stats:
            return ""
        return ", ".join([_counted(stats["statements"], "statement"), *stats["changes"]])

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        variant, recorder = current_variant(), self.recorder
        # Of a page that shows an answer, the answer.
        answer = getattr(response, "answer", response)
        self.record_stats(
            {
                "asked": f"{request.method} {request.get_full_path()}",
                "status": answer.status_code,
                "bytes": None if answer.streaming else len(answer.content),
                "milliseconds": self.seconds * 1e3,
                "statements": len(recorder.statements),
                "rows": sum(each["rows"] for each in recorder.statements),
                "database_milliseconds": sum(each["seconds"] for each in recorder.statements) * 1e3,
                "kinds": _kinds(recorder),
                "look_ups": [{**each, "milliseconds": each["seconds"] * 1e3} for each in recorder.cache],
                "changes": changes_of(variant),
                "knobs": levels_of(variant),
            }
        )


def _kinds(recorder: Recorder) -> list[dict[str, Any]]:
    """The statements, each text once, with how often it ran: what runs once for each row is seen at once."""
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for each in recorder.statements:
        kind = kinds.setdefault(
            (each["database"], each["sql"]),
            {"database": each["database"], "sql": each["sql"][:_LONGEST], "line": each["line"], "times": 0, "rows": 0,
             "milliseconds": 0.0},
        )  # fmt: skip
        kind["times"] += 1
        kind["rows"] += each["rows"]
        kind["milliseconds"] += each["seconds"] * 1e3
    return list(kinds.values())


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
