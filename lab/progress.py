"""Yields progress on the console, stage by stage, and the stages' wall times. It measures no request."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lab.findings import Stage
from lab.units import seconds

PLAIN_STEP: Final = 10.0
"""Seconds between two lines of progress where the output is no terminal."""

Advance = Callable[..., None]


@dataclass
class Progresses:
    """Shows stages as they run; on a terminal as a bar, elsewhere as lines."""

    console: Console
    stages: list[Stage] = field(default_factory=list)
    keep: Callable[[Sequence[Stage]], None] = lambda _: None

    @contextmanager
    def stage(
        self, name: str, *, total: float | None = None, budget: float | None = None, is_drawn: bool = True
    ) -> Iterator[Advance]:
        """Times a stage. The value is called with `done=` (so far, of `total`) and `note=` to show them.

        `is_drawn` is False for a stage that draws a bar of its own.
        """
        start = time.monotonic()
        show = self._bar if self.console.is_terminal and is_drawn else self._lines
        with show(name, total) as advance:
            yield advance
        taken = time.monotonic() - start
        self.stages.append(Stage(name=name, seconds=taken, budget=budget))
        self.keep(self.stages)
        self.console.print(f"[green]done[/] {name} in {seconds(taken)}", highlight=False)

    @contextmanager
    def _bar(self, name: str, total: float | None) -> Iterator[Advance]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(name, total=total, note="")

            def advance(*, done: float | None = None, note: str | None = None) -> None:
                if done is not None:
                    progress.update(task, completed=done)
                if note is not None:
                    progress.update(task, note=note)

            yield advance

    @contextmanager
    def _lines(self, name: str, total: float | None) -> Iterator[Advance]:
        self.console.print(f"{name} ...", highlight=False)
        said = time.monotonic()

        def advance(*, done: float | None = None, note: str | None = None) -> None:
            nonlocal said
            if time.monotonic() - said >= PLAIN_STEP:
                said = time.monotonic()
                share = f" {done / total:.0%}" if done is not None and total else ""
                self.console.print(f"{name} ...{share}{f' ({note})' if note else ''}", highlight=False)

        yield advance
