"""Yields `Thresholds`, what a gate lets pass, from `thresholds.toml`. It compares nothing.

[defaults]                       # of every operation that does not say otherwise
statements = 0                   # SQL statements more than the base's, a request
rows = 0
bytes = 0
cache_misses = 0
buffers = 0.10                   # shared buffers more than the base's, as a share
service_time = 0.02              # a slow-down up to this share is nobody's concern
must_catch = 0.05                # one from this share on must not be overlooked

[operations.product_list]
accept_answer = true             # its answers may differ: time and counts are compared all the same
statements = 2

[budgets.product_list.rest]      # absolute, whatever the base had: at all knobs on but the cache
statements = 3
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.server import TREE

THRESHOLDS: Final = TREE / "thresholds.toml"

MOST: Final = 1_000_000_000

BUDGETED: Final = ("statements", "rows", "bytes", "buffers")
RECORDED: Final = BUDGETED[:3]
"""What `--update` records: buffers are those of one load of the data, and another has its pages otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What one operation may take more than the base: numbers a request, or shares where they are below one."""

    statements: int = 0
    rows: int = 0
    bytes: int = 0
    cache_misses: int = 0
    buffers: float = 0.10
    service_time: float = 0.02
    must_catch: float = 0.05
    accept_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Tolerances by operation, and absolute budgets by operation and face: (metric, most)."""

    defaults: Tolerance = field(default_factory=Tolerance)
    operations: dict[str, Tolerance] = field(default_factory=dict)
    budgets: dict[tuple[str, str], tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def of(self, operation: str) -> Tolerance:
        """The tolerance of an operation."""
        return self.operations.get(operation, self.defaults)

    def with_service_time(self, share: float) -> "Thresholds":
        """The same with one tolerance of service time for all operations."""
        own = {name: replace(each, service_time=share) for name, each in self.operations.items()}
        return replace(self, defaults=replace(self.defaults, service_time=share), operations=own)


def read_thresholds(path: Path = THRESHOLDS) -> Thresholds:
    """The thresholds in `path`, or the defaults where there is no file. Raises LabError that names the line."""
    if not path.exists():
        return Thresholds()
    text = path.read_text(encoding="utf-8")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{path.name} is no TOML: {error}", hint="mend that line") from None
    reader = _Reader(name=path.name, text=text)
    reader.keys(found, known=("defaults", "operations", "budgets"))
    defaults = reader.tolerance(found.get("defaults", {}), base={})
    own = reader.table(found.get("operations", {}), key="operations")
    return Thresholds(
        defaults=defaults,
        operations={
            name: reader.tolerance(values, base=found.get("defaults", {}), key=name) for name, values in own.items()
        },
        budgets={
            (operation, face): reader.budget(values)
            for operation, faces in reader.table(found.get("budgets", {}), key="budgets").items()
            for face, values in reader.table(faces, key=operation).items()
        },
    )


def with_budgets(text: str, budgets: Mapping[tuple[str, str], Mapping[str, int]]) -> str:
    """`text` with these budgets in place of those that it has of the same operations and faces."""
    heads = [f"[budgets.{operation}.{face}]" for operation, face in budgets]
    kept, skipping = [], False
    for line in text.splitlines():
        if line.startswith("["):
            skipping = line.strip() in heads
        if not skipping:
            kept.append(line)
    tables = [
        "\n".join([head, *(f"{metric} = {value}" for metric, value in own.items())])
        for head, own in zip(heads, budgets.values(), strict=True)
    ]
    return "\n\n".join(["\n".join(kept).strip(), *tables]).strip() + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Takes tables apart; what is wrong with one is said with its line."""

    name: str
    text: str

    def table(self, value: Any, *, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(key, f"{key} is no table")
        return value

    def keys(self, table: dict[str, Any], *, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self._error(key, f"{key} is not known", hint=f"the keys are {', '.join(known)}")

    def tolerance(self, values: Any, *, base: dict[str, Any], key: str = "defaults") -> Tolerance:
        table = self.table(values, key=key)
        self.keys(table, known=tuple(each.name for each in fields(Tolerance)))
        for name, value in table.items():
            usual = getattr(Tolerance(), name)
            if isinstance(usual, bool) or isinstance(value, bool):
                fits = isinstance(usual, bool) and isinstance(value, bool)
            else:
                fits = isinstance(value, int | type(usual)) and 0 <= value < MOST
            if not fits:
                raise self._error(name, f"{name} = {value!r} is no {'flag' if isinstance(usual, bool) else 'number'}")
        return Tolerance(**{**base, **table})

    def budget(self, values: Any) -> tuple[tuple[str, int], ...]:
        table = self.table(values, key="budgets")
        self.keys(table, known=BUDGETED)
        for name, value in table.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise self._error(name, f"{name} = {value!r} is no whole number")
        return tuple(table.items())

    def _error(self, key: str, what: str, *, hint: str = "mend that line") -> LabError:
        pattern = re.compile(rf"\s*(?:{re.escape(key)}\s*=|\[.*\b{re.escape(key)}\b.*\])")
        lines = [number for number, line in enumerate(self.text.splitlines(), 1) if pattern.match(line)]
        where = f" line {lines[0]}" if lines else ""
        return LabError(f"{self.name}{where}: {what}", hint=hint)
