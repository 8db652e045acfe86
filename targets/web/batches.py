"""Yields GraphQL execution in batches: what resolvers defer is read together, one call for each relation and level.

Nothing is awaited in an event loop, so the database is asked in the thread that serves the request, as it is without
batches. It knows no rows: the functions that read them are given.
"""

from collections.abc import Callable, Coroutine, Generator, Hashable, Mapping
from contextvars import ContextVar
from types import CoroutineType, coroutine
from typing import Any, Generic, TypeVar

from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
    located_error,
)
from graphql.pyutils import Path, Undefined, is_iterable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Deferred(Generic[V]):
    """A value that is read with others once nothing else can be done; whoever awaits it pauses until then."""

    __slots__ = ("fault", "is_read", "value")

    value: V

    def __init__(self) -> None:
        self.is_read = False
        self.fault: Exception | None = None

    def __await__(self) -> Generator[None, None, V]:
        while not self.is_read:
            yield
        if self.fault is not None:
            raise self.fault
        return self.value


class _Batch(Generic[K, V]):
    """What one function reads in one request: each key once."""

    def __init__(self, read: Callable[[tuple[K, ...]], Mapping[K, V]]) -> None:
        self._read = read
        self._known: dict[K, Deferred[V]] = {}
        self._waiting: list[K] = []

    def defer(self, key: K) -> Deferred[V]:
        """The value of a key, which waits for it unless it has been read."""
        if key not in self._known:
            self._known[key] = Deferred()
            self._waiting.append(key)
        return self._known[key]

    def read(self) -> bool:
        """Read what waits, and say whether anything did."""
        keys, self._waiting = self._waiting, []
        if not keys:
            return False
        found: Mapping[K, V] = {}
        fault: Exception | None = None
        try:
            # In one order, so that the same rows have the same key in a cache.
            found = self._read(tuple(sorted(keys)))  # type: ignore[type-var]
        except Exception as error:  # noqa: BLE001 - it is raised where the value is awaited
            fault = error
        for key in keys:
            own = self._known[key]
            if key in found:
                own.value = found[key]
            else:
                own.fault = fault or KeyError(key)
            own.is_read = True
        return True


_batches: ContextVar[dict[Callable[..., Any], _Batch[Any, Any]] | None] = ContextVar("batches", default=None)


def deferred(read: Callable[[tuple[K, ...]], Mapping[K, V]], key: K) -> Deferred[V] | None:
    """The value that `read` gives for a key, later; None where this request is not executed in batches."""
    batches = _batches.get()
    if batches is None:
        return None
    return batches.setdefault(read, _Batch(read)).defer(key)


def execute_in_batches(schema: GraphQLSchema, *, document: DocumentNode, **arguments: Any) -> ExecutionResult:
    """The result of a query, as `graphql.execute_sync` gives it, where resolvers may give what is deferred."""
    result = execute(schema, document, execution_context_class=_BatchingContext, **arguments)
    assert isinstance(result, ExecutionResult)  # noqa: S101 - all that is awaited has been waited for
    return result


class _Task:
    """A coroutine that has gone on until it has to wait, or has ended.

    It begins at once: what has begun may be dropped when something beside it fails.
    """

    __slots__ = ("_coroutine", "is_done", "value")

    def __init__(self, awaited: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = awaited
        self.is_done = False
        self.value: Any = None
        self.go_on()

    def go_on(self) -> bool:
        """Go on until it has to wait again, and say whether it has ended. Raises what it raises."""
        try:
            self._coroutine.send(None)
        except StopIteration as end:
            self.value, self.is_done = end.value, True
        return self.is_done


@coroutine
def _pause() -> Generator[None, None, None]:
    yield


async def _all_of(results: Any, tasks: dict[Any, _Task]) -> Any:
    """The results, a list or a dictionary, in which each task's place holds what it ended with."""
    while tasks:
        await _pause()
        for place in [place for place, task in tasks.items() if task.go_on()]:
            results[place] = tasks.pop(place).value
    return results


class _BatchingContext(ExecutionContext):
    """Lets all fields go on until each of them waits for a batch, has the batches read, and lets them go on.

    graphql-core would have an event loop gather what waits: these are the methods in which it does.
    """

    is_awaitable = staticmethod(lambda value: isinstance(value, CoroutineType | Deferred))

    def execute_operation(self, operation: OperationDefinitionNode, root_value: Any) -> Any:
        batches: dict[Callable[..., Any], _Batch[Any, Any]] = {}
        token = _batches.set(batches)
        try:
            result = super().execute_operation(operation, root_value)
            if not isinstance(result, CoroutineType):
                return result
            task = _Task(result)
            while not task.is_done:
                have_read = [batch.read() for batch in list(batches.values())]
                if not any(have_read):
                    raise RuntimeError("an execution waits for what nobody reads")
                task.go_on()
            return task.value
        finally:
            _batches.reset(token)

    def execute_fields(
        self, parent_type: GraphQLObjectType, source_value: Any, path: Path | None, fields: dict[str, list[FieldNode]]
    ) -> Any:
        results: dict[str, Any] = {}
        tasks: dict[Any, _Task] = {}
        for name, nodes in fields.items():
            result = self.execute_field(parent_type, source_value, nodes, Path(path, name, parent_type.name))
            if result is not Undefined:
                _put(results, name, result, tasks=tasks)
        return _all_of(results, tasks) if tasks else results

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> Any:
        if not is_iterable(result):
            return super().complete_list_value(return_type, field_nodes, info, path, result)
        results: dict[int, Any] = {}
        tasks: dict[Any, _Task] = {}
        for index, item in enumerate(result):
            completed = self._item(return_type.of_type, field_nodes, info, path.add_key(index, None), item)
            _put(results, index, completed, tasks=tasks)
        return _listed(results, tasks) if tasks else list(results.values())

    async def _item(
        self,
        item_type: GraphQLOutputType,
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        item: Any,
    ) -> Any:
        try:
            found = await item if self.is_awaitable(item) else item
            completed = self.complete_value(item_type, field_nodes, info, path, found)
            return await completed if self.is_awaitable(completed) else completed
        except Exception as error:  # noqa: BLE001 - it is told at the nearest place that may be null
            self.handle_field_error(located_error(error, field_nodes, path.as_list()), item_type, path)
            return None


def _put(results: dict[Any, Any], place: Any, result: Any, *, tasks: dict[Any, _Task]) -> None:
    """Put a result into its place, or begin what it will be."""
    if isinstance(result, CoroutineType):
        task = _Task(result)
        result = task.value
        if not task.is_done:
            tasks[place] = task
    results[place] = result


async def _listed(results: dict[int, Any], tasks: dict[Any, _Task]) -> list[Any]:
    return list((await _all_of(results, tasks)).values())
