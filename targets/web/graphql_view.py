"""Yields the GraphQL view: POST with a JSON body only, documents parsed and validated once, errors masked.

It has no batches, no GET and no cookies. A request that cannot be executed is 400; what was executed is 200, or 401
where somebody known was wanted, with `errors` whose extensions hold the same code and fields as a REST refusal.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import graphene
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    execute,
    execute_sync,
    get_operation_ast,
    parse,
    specified_rules,
    strip_ignored_characters,
    validate,
)

from targets.web.batches import execute_in_batches
from targets.web.current import current_variant, serving
from targets.web.errors import ApiError, MalformedError, error_headers, expected
from targets.web.graphql_limits import document_faults, operation_faults
from targets.web.view_cache import cached_answers

MAX_TOKENS = 2_000
DOCUMENTS_KEPT = 256
MAX_FAULTS = 5
"""How many faults of a document are told: a hostile one could have a thousand."""

MAX_MESSAGE = 300
_SUGGESTION = " Did you mean "

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """What a client asks to have executed."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


def read_request(request: HttpRequest) -> GraphQLRequest:
    """The GraphQL request in the body. Raises MalformedError."""
    if request.content_type != "application/json":
        raise MalformedError("The content type must be application/json.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise MalformedError("The body must be JSON.") from None
    if not isinstance(body, dict):
        raise MalformedError("The body must be a JSON object.")
    query, variables, name = body.get("query"), body.get("variables") or {}, body.get("operationName")
    if not isinstance(query, str) or not isinstance(variables, dict) or not isinstance(name, str | None):
        raise MalformedError("The body must hold query (text), variables (object) and operationName (text).")
    return GraphQLRequest(query=query, variables=variables, operation_name=name)


def graphql_question(request: HttpRequest) -> str | None:
    """What a request asks, whatever the layout of its document; None when it cannot be executed, or may write."""
    if request.method != "POST":
        return None
    try:
        asked = read_request(request)
        query = _normalised(asked.query)
        return query and json.dumps([query, asked.variables, asked.operation_name], sort_keys=True)
    except (MalformedError, GraphQLError, RecursionError):
        return None


def graphql_refusal(error: ApiError) -> HttpResponse:
    """A refusal of the whole request, before anything of it was read."""
    response = _answer(errors=[_told_of(error)], status=error.status)
    for name, value in error_headers(error).items():
        response.headers[name] = value
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A document that may be executed, and whether it only asks."""

    document: DocumentNode
    asked: GraphQLRequest
    is_query: bool

    def arguments(self, request: HttpRequest) -> dict[str, Any]:
        """What graphql-core wants to be told."""
        return {
            "document": self.document, "context_value": request, "variable_values": self.asked.variables,
            "operation_name": self.asked.operation_name,
        }  # fmt: skip


class GraphQLView:
    """Executes requests against a schema; `before_mutation` may raise an ApiError.

    `awaited` are the root fields that may be coroutines: a query of these alone can be executed in an event loop.
    """

    def __init__(
        self, schema: graphene.Schema, *, before_mutation: Callable[[HttpRequest], None],
        awaited: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._schema = schema.graphql_schema
        self._prepare = lru_cache(maxsize=DOCUMENTS_KEPT)(lambda query: _prepare(self._schema, query))
        self._before_mutation = before_mutation
        self._awaited = awaited

    def view(self) -> Callable[[HttpRequest], HttpResponse]:
        """The Django view."""
        answer = cached_answers(face="graphql", question=graphql_question)(self.answer)
        # No cookie authenticates here, so a forged request from another site gains nothing.
        return csrf_exempt(answer)  # type: ignore[return-value]

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request."""
        begun = self._begin(request)
        if isinstance(begun, HttpResponse):
            return begun
        has_batches = begun.is_query and current_variant().resolving == "dataloader"
        executed = execute_in_batches if has_batches else execute_sync
        return _told_result(executed(self._schema, **begun.arguments(request)), is_query=begun.is_query)

    def is_awaited(self, request: HttpRequest) -> bool:
        """Whether all that a request asks for may be a coroutine."""
        if request.method != "POST":
            return False
        try:
            document, faults = self._prepare(read_request(request).query)
        except MalformedError:
            return False
        if document is None or faults:
            return False
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        roots = [field for node in operations for field in node.selection_set.selections]
        return all(isinstance(field, FieldNode) and field.name.value in self._awaited for field in roots)

    async def answer_awaited(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request that may be awaited, executed in this event loop."""
        with serving("graphql"):
            begun = self._begin(request)
            if isinstance(begun, HttpResponse):
                return begun
            result = execute(self._schema, **begun.arguments(request))
            return _told_result(await result if isawaitable(result) else result, is_query=begun.is_query)

    def _begin(self, request: HttpRequest) -> Execution | HttpResponse:
        """What is to be executed, or a refusal."""
        if request.method != "POST":
            refusal = _answer(errors=[_told(code="method_not_allowed", message="Use POST.")], status=405)
            refusal.headers["Allow"] = "POST"
            return refusal
        try:
            asked = read_request(request)
        except MalformedError as error:
            return graphql_refusal(error)
        document, faults = self._prepare(asked.query)
        if document is not None and not faults and asked.variables:
            faults = [GraphQLError(fault) for fault in operation_faults(document, variables=asked.variables)]
        if document is None or faults:
            return _answer(errors=[format_error(fault) for fault in faults], status=400)
        operation = get_operation_ast(document, asked.operation_name)
        is_query = operation is not None and operation.operation is OperationType.QUERY
        if operation is not None and not is_query:
            try:
                self._before_mutation(request)
            except Exception as error:
                told = expected(error)
                if told is None:
                    raise
                return graphql_refusal(told)
        return Execution(document=document, asked=asked, is_query=is_query)


def _told_result(result: ExecutionResult, *, is_query: bool) -> HttpResponse:
    errors = [format_error(error) for error in result.errors or []]
    response = _answer(
        data=result.data, errors=errors, status=_status(errors), is_executed=_is_executed(errors)
    )  # fmt: skip
    if not is_query:
        response.headers["Cache-Control"] = "no-store"
    return response


def format_error(error: GraphQLError) -> dict[str, Any]:
    """The error as a client may see it: the texts of unexpected exceptions stay here."""
    original = error.original_error
    known = None if original is None else expected(original)
    told: dict[str, Any]
    if known is not None:
        told = _told_of(known)
    elif error.path is None or original is None:
        message = (error.message if settings.DEBUG else error.message.partition(_SUGGESTION)[0])[:MAX_MESSAGE]
        told = _told(code="invalid", message=message, fields=_variables_at_fault(error))
    else:
        _log.error("a resolver failed at %s", error.path, exc_info=original)
        told = _told(code="internal", message="Something went wrong on our side.")
    if error.path is not None:
        told["path"] = error.path
    return told


def _status(errors: list[dict[str, Any]]) -> int:
    """401 where somebody known was wanted; 400 where nothing was executed; else 200, whatever is in it."""
    if any(error["extensions"]["code"] == "unauthenticated" for error in errors):
        return 401
    return 200 if _is_executed(errors) else 400


def _is_executed(errors: list[dict[str, Any]]) -> bool:
    """Only an error from a resolver has a path: without one, nothing was executed."""
    return all("path" in error for error in errors)


def _variables_at_fault(error: GraphQLError) -> dict[str, str]:
    return {
        node.variable.name.value: error.message
        for node in error.nodes or ()
        if isinstance(node, VariableDefinitionNode)
    }


def _told(*, code: str, message: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """An error in GraphQL's shape; parameters are named as this face names them."""
    named = {_camel(name): fault for name, fault in (fields or {}).items()}
    return {"message": message, "extensions": {"code": code, "fields": named}}


def _told_of(error: ApiError) -> dict[str, Any]:
    return _told(code=error.code, message=error.message, fields=error.fields)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _answer(*, data: Any = None, errors: list[dict[str, Any]], status: int, is_executed: bool = False) -> HttpResponse:
    body: dict[str, Any] = {"errors": errors} if errors else {}
    if is_executed:
        body["data"] = data
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # GraphQL's own messages quote what the client sent, and JSON can carry half a surrogate pair.
    response = HttpResponse(text.encode(errors="replace"), status=status, content_type="application/json")
    if errors:
        response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _prepare(schema: GraphQLSchema, query: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """The document, and what is wrong with it. Its size comes first: validation of a large one takes long itself."""
    try:
        document = parse(query, max_lexical_tokens=MAX_TOKENS)
        if faults := document_faults(document):
            return document, [GraphQLError(fault) for fault in faults]
        rules = specified_rules if settings.DEBUG else (*specified_rules, NoSchemaIntrospectionCustomRule)
        return document, validate(schema, document, rules, max_errors=MAX_FAULTS)[:MAX_FAULTS]
    except GraphQLError as error:
        return None, [error]
    except RecursionError:
        return None, [GraphQLError("The document is nested too deeply.")]


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _normalised(query: str) -> str | None:
    """The document without its layout; None where an operation in it may change something."""
    document = parse(query, no_location=True, max_lexical_tokens=MAX_TOKENS)
    operations = [node.operation for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return strip_ignored_characters(query) if set(operations) <= {OperationType.QUERY} else None
