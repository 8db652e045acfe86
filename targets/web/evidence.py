"""Yields evidence: what one request did, counted, as a line of JSON in the file TARGET_EVIDENCE.

It takes no plans and adds nothing to a response; a request without a `Lab-Request` header pays nothing.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import connections
from django.http import HttpRequest, HttpResponse

from targets.web.cache_status import note_look_up
from targets.web.current import current_variant
from targets.web.lab_mode import LabMiddleware, in_lab_mode

_ROOT = Path(__file__).resolve().parents[2]
_TARGETS = f"{_ROOT / 'targets'}{os.sep}"
_WEB = f"{_ROOT / 'targets' / 'web'}{os.sep}"


class Recorder:
    """Collects the statements and the cache look-ups of one request."""

    def __init__(self) -> None:
        self.statements: list[dict[str, Any]] = []
        self.cache: list[dict[str, Any]] = []

    def statement(
        self,
        execute: Callable[..., Any],
        sql: str,
        parameters: Any,
        many: bool,  # noqa: FBT001 - Django calls it so
        context: dict[str, Any],
    ) -> Any:
        """Django's execute wrapper: run the statement and keep what it was and what it cost, unless it fails."""
        began = time.perf_counter()
        result = execute(sql, parameters, many, context)
        seconds = time.perf_counter() - began
        cursor = context["cursor"].cursor
        self.statements.append(
            {
                "database": context["connection"].alias,
                "sql": sql,
                "literal": sql if parameters is None or many else cursor.mogrify(sql, parameters).decode(),
                "rows": cursor.rowcount,
                "seconds": seconds,
                "line": _issuing_line(),
            }
        )
        return result

    def listen(self, stack: ExitStack) -> None:
        """Hear of all statements on this thread's connections, until the stack is closed."""
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(self.statement))

    def write(self, request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
        """Append what was collected to the file."""
        _append(
            {
                "request": request.META["HTTP_LAB_REQUEST"],
                "variant": str(current_variant()),
                "method": request.method,
                "path": request.get_full_path(),
                "status": response.status_code,
                "bytes": len(response.content),
                "seconds": seconds,
                "database_seconds": sum(statement["seconds"] for statement in self.statements),
                "statements": self.statements,
                "cache": self.cache,
            }
        )


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Collect what this thread asks of the databases and of the cache inside the block."""
    recorder = Recorder()
    token = _recorder.set(recorder)
    try:
        with ExitStack() as stack:
            recorder.listen(stack)
            yield recorder
    finally:
        _recorder.reset(token)


def note_cache(
    *, level: str, key: str, outcome: str, has_waited: bool, is_computed: bool, plain: int, stored: int, seconds: float
) -> None:
    """Keep a look-up in the cache: what was found at once ("hit", "miss", "away"), and what became of a miss.

    `is_computed` says that the request computes the answer itself; `plain` and `stored` are the bytes of what it found,
    a whole answer with its headers, and of what the store has of it.
    """
    note_look_up(level=level, outcome="waited" if has_waited and not is_computed else outcome)
    if recorder := _recorder.get():
        recorder.cache.append(
            {
                "level": level,
                "outcome": outcome,
                "waited": has_waited,
                "computed": is_computed,
                "key": key,
                "bytes": plain,
                "stored": stored,
                "seconds": seconds,
            }
        )


def note_kept(*, key: str, plain: int, stored: int) -> None:
    """Keep how large an answer is that was computed after the last look-up of `key`, and what the store has of it."""
    if recorder := _recorder.get():
        look_up = next((each for each in reversed(recorder.cache) if each["key"] == key), None)
        if look_up is not None:
            look_up.update(bytes=plain, stored=stored)


class EvidenceMiddleware(LabMiddleware):
    """Writes the evidence of each request that carries the lab's token and a `Lab-Request` header."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        if not settings.TARGET_EVIDENCE:
            raise MiddlewareNotUsed
        super().__init__(get_response)

    def _concerns(self, request: HttpRequest) -> bool:
        return "HTTP_LAB_REQUEST" in request.META and in_lab_mode(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with recorded() as recorder:
            response: HttpResponse = self.get_response(request)
        recorder.write(request, response, seconds=time.perf_counter() - began)
        return response

    async def _awaited(self, request: HttpRequest) -> HttpResponse:
        recorder, stack = Recorder(), ExitStack()
        token = _recorder.set(recorder)
        began = time.perf_counter()
        try:
            # All that this request does in a thread, it does in this one.
            await sync_to_async(recorder.listen)(stack)
            response: HttpResponse = await self.get_response(request)
        finally:
            await sync_to_async(stack.close)()
            _recorder.reset(token)
        recorder.write(request, response, seconds=time.perf_counter() - began)
        return response


def _append(line: dict[str, Any]) -> None:
    """Append one line in one write, so that lines of several processes never mix; only the owner may read it."""
    text = json.dumps(line, separators=(",", ":")) + "\n"
    descriptor = os.open(settings.TARGET_EVIDENCE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _issuing_line() -> str:
    """Where the project asked for the statement: the innermost frame in targets/ that is not in targets/web/."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() reads source files, a hundred times slower
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_TARGETS) and not path.startswith(_WEB):
            return f"{Path(path).relative_to(_ROOT)}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return ""
