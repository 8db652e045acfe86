"""Yields `Thresholds`, what a gate lets pass, from `thresholds.toml`, and puts budgets there. It compares nothing.

[defaults]                       # of every operation that does not say otherwise
statements = 0                   # SQL statements more than the base's, a request
rows = 0
bytes = 0
cache_misses = 0
buffers = 0.10                   # shared buffers more than the base's, as a share of those; eight more are always none
service_time = 0.02              # a slow-down up to this share is nobody's concern
must_catch = 0.05                # one from this share on must not be overlooked; never below service_time

[operations.product_list]
accept_answer = true             # its answers may differ: time and counts are compared all the same
statements = 2

[operations.product_search]
removed = true                   # the head may lack it: it is not asked

[budgets.product_list.rest]      # absolute, whatever the base had: at all knobs on but the cache
statements = 3
"""

import os
import shutil
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.server import TREE
from lab.toml_lines import Keys, key_text, put, statements

THRESHOLDS: Final = TREE / "thresholds.toml"

MOST: Final = 1_000_000_000
FACES: Final = ("rest", "graphql")

BUDGETED: Final = ("statements", "rows", "bytes", "buffers")
RECORDED: Final = BUDGETED[:3]
"""What `--update` records: buffers are those of one load of the data, and another has its pages otherwise."""

APART: Final = 2.5
"""How far a slow-down that must be caught is above one of no concern, where `--tolerance` names the latter alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What a request of one operation may take more than the base's.

    `buffers`, `service_time` and `must_catch` are shares of what the base takes, whatever their size: 8 is 800 % more.
    """

    statements: int = 0
    rows: int = 0
    bytes: int = 0
    cache_misses: int = 0
    buffers: float = 0.10
    service_time: float = 0.02
    must_catch: float = 0.05
    accept_answer: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Tolerances by operation, and absolute budgets by operation and face: (metric, most)."""

    defaults: Tolerance = field(default_factory=Tolerance)
    operations: dict[str, Tolerance] = field(default_factory=dict)
    budgets: dict[tuple[str, str], tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def of(self, operation: str) -> Tolerance:
        """The tolerance of an operation."""
        return self.operations.get(operation, self.defaults)

    def kept(self, operations: Sequence[str]) -> tuple[str, ...]:
        """Those of the operations' dotted names that a head must have. Raises LabError when there is none."""
        kept = tuple(dotted for dotted in operations if not self.of(dotted.partition(":")[2].lower()).removed)
        if not kept:
            raise LabError("every operation is marked as removed", hint="name others with --operations")
        return kept

    def with_service_time(self, share: float) -> "Thresholds":
        """The same with one tolerance of service time for all operations, and what must be caught well above it."""

        def widened(each: Tolerance) -> Tolerance:
            return replace(each, service_time=share, must_catch=max(each.must_catch, APART * share))

        own = {name: widened(each) for name, each in self.operations.items()}
        return replace(self, defaults=widened(self.defaults), operations=own)


def read_thresholds(path: Path = THRESHOLDS, *, known: Collection[str] = ()) -> Thresholds:
    """The thresholds in `path`, or the defaults where there is no file. Raises LabError that names the line.

    Where `known` names the operations, a table of another operation or face is refused.
    """
    return _thresholds(_text(path), name=path.name, known=known)


def write_budgets(path: Path, budgets: Mapping[tuple[str, str], Mapping[str, int]]) -> None:
    """Puts budgets, by operation and face, into the file at `path`: the whole new file is there, or the old one.

    Raises LabError, and changes nothing, when the file there is none of thresholds.
    """
    path = path.resolve()
    text = _text(path)
    _thresholds(text, name=path.name)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(with_budgets(text, budgets).encode())
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, partial)
    partial.replace(path)


def with_budgets(text: str, budgets: Mapping[tuple[str, str], Mapping[str, int]]) -> str:
    """`text`, which can be read as thresholds, with these budgets put in; all else in it stays, comments too."""
    ending = "\r\n" if "\r\n" in text else "\n"
    # Not splitlines, which also ends lines where TOML does not.
    lines = (text if text.endswith("\n") else text + ending).split("\n")
    for (operation, face), own in budgets.items():
        for metric, value in own.items():
            put(lines, ("budgets", operation, face, metric), value, carriage=ending[:-1])
    return "\n".join(lines)


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LabError(f"{path.name} line {line}: is no UTF-8", hint="save the file as UTF-8") from None


def _thresholds(text: str, *, name: str, known: Collection[str] = ()) -> Thresholds:
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits is no TOMLDecodeError, nor is an array of arrays without end.
        raise LabError(f"{name} is no TOML: {error}", hint="mend that line") from None
    reader = _Reader(name=name, text=text, operations=known)
    reader.keys(found, at=(), known=("defaults", "operations", "budgets"))
    usual = found.get("defaults", {})
    defaults = reader.tolerance(usual, base={}, at=("defaults",))
    operations = {
        operation: reader.tolerance(values, base=usual, at=("operations", operation))
        for operation, values in reader.named(found.get("operations", {}), at=("operations",)).items()
    }
    budgets = {
        (operation, face): reader.budget(values, at=("budgets", operation, face))
        for operation, faces in reader.named(found.get("budgets", {}), at=("budgets",)).items()
        for face, values in reader.named(faces, at=("budgets", operation), kind="face").items()
    }
    return Thresholds(defaults=defaults, operations=operations, budgets=budgets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Takes tables apart; what is wrong is said with its line, found by `at`: the keys from the root on."""

    name: str
    text: str
    operations: Collection[str]

    def table(self, value: Any, *, at: Keys) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(at, f"{key_text(at[-1])} is no table")
        return value

    def keys(self, table: dict[str, Any], *, at: Keys, known: Collection[str], kind: str = "key") -> None:
        for key in table:
            if key not in known:
                what = f"{key_text(key)} is not known" if kind == "key" else f"{key_text(key)} is no {kind}"
                raise self._error((*at, key), what, hint=f"the {kind}s are {', '.join(known)}")

    def named(self, value: Any, *, at: Keys, kind: str = "operation") -> dict[str, Any]:
        table = self.table(value, at=at)
        names = self.operations if kind == "operation" else FACES
        self.keys(table, at=at, known=names if self.operations else table, kind=kind)
        return table

    def tolerance(self, values: Any, *, base: dict[str, Any], at: Keys) -> Tolerance:
        table = self.table(values, at=at)
        self.keys(table, at=at, known=tuple(each.name for each in fields(Tolerance)))
        for name, value in table.items():
            usual = getattr(Tolerance(), name)
            is_flag = isinstance(usual, bool)
            fits = is_flag or (isinstance(value, int | type(usual)) and 0 <= value < MOST)
            if not fits or isinstance(value, bool) != is_flag:
                raise self._error((*at, name), f"{name} = {value!r} is no {'flag' if is_flag else 'number'}")
        found = Tolerance(**{**base, **table})
        if found.must_catch < found.service_time:
            own = "must_catch" if "must_catch" in table else "service_time"
            what = f"must_catch = {found.must_catch} is below service_time = {found.service_time}"
            raise self._error((*at, own), what, hint=f"write must_catch = {APART * found.service_time:g} there")
        return found

    def budget(self, values: Any, *, at: Keys) -> tuple[tuple[str, int], ...]:
        table = self.table(values, at=at)
        self.keys(table, at=at, known=BUDGETED)
        for name, value in table.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise self._error((*at, name), f"{name} = {value!r} is no whole number")
        return tuple(table.items())

    def _error(self, at: Keys, what: str, *, hint: str = "mend that line") -> LabError:
        for each in statements(self.text.split("\n")):
            # What an inline table holds is on the line of the table.
            if each.path[: len(at)] == at or (each.value and at[: len(each.path)] == each.path):
                return LabError(f"{self.name} line {each.line + 1}: {what}", hint=hint)
        return LabError(f"{self.name}: {what}", hint=hint)
