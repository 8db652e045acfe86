"""Yields the GraphQL view: POST with a JSON body only, documents parsed and validated once, errors masked.

It has no batches, no GET and no cookies. A request that cannot be executed is 400; what was executed is 200, or 401
where somebody known was wanted, with `errors` whose extensions hold the same code and fields as a REST refusal.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import graphene
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    VariableDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    specified_rules,
    strip_ignored_characters,
    validate,
)

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
    """What a request asks, whatever the layout of its document; None when it cannot be executed."""
    if request.method != "POST":
        return None
    try:
        asked = read_request(request)
        query = _normalised(asked.query)
        return json.dumps([query, asked.variables, asked.operation_name], sort_keys=True)
    except (MalformedError, GraphQLError, RecursionError):
        return None


def graphql_refusal(error: ApiError) -> HttpResponse:
    """A refusal of the whole request, before anything of it was read."""
    response = _answer(errors=[_told_of(error)], status=error.status)
    for name, value in error_headers(error).items():
        response.headers[name] = value
    return response


def graphql_view(
    schema: graphene.Schema, *, before_mutation: Callable[[HttpRequest], None]
) -> Callable[[HttpRequest], HttpResponse]:
    """A Django view that executes requests against `schema`; `before_mutation` may raise an ApiError."""
    prepare = lru_cache(maxsize=DOCUMENTS_KEPT)(lambda query: _prepare(schema.graphql_schema, query))

    def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            refusal = _answer(errors=[_told(code="method_not_allowed", message="Use POST.")], status=405)
            refusal.headers["Allow"] = "POST"
            return refusal
        try:
            asked = read_request(request)
        except MalformedError as error:
            return graphql_refusal(error)
        document, faults = prepare(asked.query)
        if document is not None and not faults and asked.variables:
            faults = [GraphQLError(fault) for fault in operation_faults(document, variables=asked.variables)]
        if document is None or faults:
            return _answer(errors=[format_error(fault) for fault in faults], status=400)
        operation = get_operation_ast(document, asked.operation_name)
        is_query = operation is not None and operation.operation is OperationType.QUERY
        if operation is not None and not is_query:
            try:
                before_mutation(request)
            except Exception as error:
                told = expected(error)
                if told is None:
                    raise
                return graphql_refusal(told)
        result = execute_sync(
            schema.graphql_schema,
            document,
            context_value=request,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
        )
        errors = [format_error(error) for error in result.errors or []]
        is_executed = _is_executed(errors)
        response = _answer(data=result.data, errors=errors, status=_status(errors), is_executed=is_executed)
        if not is_query:
            response.headers["Cache-Control"] = "no-store"
        return response

    answer = cached_answers(face="graphql", question=graphql_question)(view)
    # No cookie authenticates here, so a forged request from another site gains nothing.
    return csrf_exempt(answer)  # type: ignore[return-value]


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
def _normalised(query: str) -> str:
    return strip_ignored_characters(query)
