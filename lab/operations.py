"""Yields the operations that an experiment names, loaded by dotted name against a Protocol.

The one file of the lab through which the subject's operations come in; the lab never imports them by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Any, Protocol

from lab.errors import LabError
from lab.experiment import Experiment, LoadDesign


class Request(Protocol):
    """One HTTP request, but for the host; `follow` makes a further trip, with its headers, of its answer.

    The answer to a prelude tells what to ask, and has no part in what is measured.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def follow(self) -> "Callable[[bytes], Request] | None": ...
    @property
    def is_prelude(self) -> bool: ...


class Operation(Protocol):
    """One thing a client does, for each face: how to draw its parameters, ask for it and read the answer.

    A request may be made by one of several ways of `paging`, where the operation knows them.
    """

    @property
    def name(self) -> str: ...
    @property
    def paged(self) -> Callable[[Any, int], Any] | None: ...
    @property
    def comparable(self) -> Callable[[Any, int, int], Sequence[Any]] | None: ...
    def sample(self, random: Random, size: Any, /) -> Any: ...
    def request(self, face: str, parameters: Any, paging: str = "", /) -> Request: ...
    def read(self, face: str, status: int, body: bytes, /) -> Any: ...


class Walk(Protocol):
    """What one client does in one visit."""

    @property
    def name(self) -> str: ...
    def session(self, random: Random, size: Any, /) -> Iterable[tuple[Operation, Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """An operation with the parameter sets ("keys") that every arm is asked for.

    `pages` are the first key with pages of other sizes, by size; none where the operation has no pages.
    """

    operation: Operation
    keys: tuple[Any, ...]
    pages: tuple[tuple[int, Any], ...] = ()

    def asked(self, key: int) -> Any:
        """The parameters of a key; the numbers beyond the keys are those of the pages."""
        return (*self.keys, *(parameters for _, parameters in self.pages))[key]


def load_operations(experiment: Experiment, *, dataset: str, seed: int) -> tuple[Keyed, ...]:
    """The experiment's operations, each with `experiment.keys` distinct parameter sets drawn by `seed`.

    Raises LabError for a dotted name that cannot be imported and for a dataset that has no size.
    """
    size = _size(experiment, dataset=dataset)
    return tuple(
        _keyed(
            _attribute(name), count=experiment.keys, size=size, seed=seed, page_sizes=experiment.page_sizes
        )
        for name in experiment.operations
    )  # fmt: skip


def comparable_operations(experiment: Experiment, *, dataset: str, seed: int) -> tuple[Keyed, ...]:
    """The experiment's operations with parameter sets that ask for as much at every size of the dataset.

    Raises LabError as `load_operations` does, and for an operation that has none.
    """
    size = _size(experiment, dataset=dataset)
    found = []
    for operation in map(_attribute, experiment.operations):
        keys = tuple(operation.comparable(size, seed, experiment.keys)) if operation.comparable else ()
        if len(keys) < experiment.keys:
            raise LabError(
                f"{operation.name} has only {len(keys)} parameter sets that compare sizes, not {experiment.keys}",
                hint="lower `keys` in the experiment, or leave the operation out",
            )
        found.append(Keyed(operation=operation, keys=keys))
    return tuple(found)


def rows_of(experiment: Experiment, *, dataset: str) -> int:
    """How many rows the dataset has. Raises LabError for one that has no size."""
    return int(_size(experiment, dataset=dataset).rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """A walk's drawn visits: its operations with the keys that came up, and which was asked for in turn."""

    name: str
    operations: tuple[Keyed, ...]
    sequence: tuple[tuple[str, int], ...]


def load_walk(experiment: Experiment, design: LoadDesign, *, dataset: str, seed: int) -> Visits:
    """The visits of the design's walk, drawn by `seed`; popular keys come up often.

    Raises LabError as `load_operations` does.
    """
    walk: Walk = _attribute(design.walk)
    size = _size(experiment, dataset=dataset)
    random = Random(f"{seed}/{walk.name}")
    operations: dict[str, Operation] = {}
    keys: dict[str, list[Any]] = {}
    sequence: list[tuple[str, int]] = []
    for _ in range(design.sessions):
        for operation, parameters in walk.session(random, size):
            operations[operation.name] = operation
            known = keys.setdefault(operation.name, [])
            if parameters not in known:
                known.append(parameters)
            sequence.append((operation.name, known.index(parameters)))
    keyed = tuple(Keyed(operation=operations[name], keys=tuple(known)) for name, known in keys.items())
    return Visits(name=walk.name, operations=keyed, sequence=tuple(sequence))


def _size(experiment: Experiment, *, dataset: str) -> Any:
    sizes = _attribute(experiment.sizes)
    if dataset not in sizes:
        raise LabError(f"there is no dataset {dataset!r}", hint=f"choose one of {', '.join(sizes)}")
    return sizes[dataset]


def _keyed(operation: Operation, *, count: int, size: Any, seed: int, page_sizes: Sequence[int] = ()) -> Keyed:
    random = Random(f"{seed}/{operation.name}")
    keys: list[Any] = []
    for _ in range(100 * count):
        try:
            parameters = operation.sample(random, size)
        except ValueError as error:
            hint = "take a larger --dataset, or leave it out by --operations"
            raise LabError(f"{operation.name} cannot be asked: {error}", hint=hint) from error
        if parameters not in keys:
            keys.append(parameters)
        if len(keys) == count:
            paged = operation.paged
            pages = tuple((number, paged(keys[0], number)) for number in page_sizes) if paged else ()
            return Keyed(operation=operation, keys=tuple(keys), pages=pages)
    raise LabError(
        f"{operation.name} has only {len(keys)} distinct parameter sets, not the {count} that were asked for",
        hint="lower `keys` in the experiment",
    )


def _attribute(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LabError(f"cannot load {dotted!r}: {error}", hint="name it as package.module:ATTRIBUTE") from error


def names(operations: Sequence[Keyed]) -> tuple[str, ...]:
    """The operations' names, in order."""
    return tuple(keyed.operation.name for keyed in operations)
