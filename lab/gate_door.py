"""Yields the door `python -m lab gate`: two commits are checked out, and the lab of the base judges them.

It compares nothing itself. The first process makes the checkouts and becomes the second, which is the base's own lab
and removes them at its end.
"""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import msgspec
from rich.console import Console
from rich.markup import escape

from lab import catalogue
from lab.asked import budget_seconds, narrowed, seed_number
from lab.environment import commit as commit_of
from lab.errors import LabError
from lab.results import RunFolder, check_writable
from lab.server import FOLDER_VARIABLE, TREE
from lab.thresholds import THRESHOLDS, read_thresholds
from lab.worktrees import COMMIT_DIGITS, Checkout, checked_out, python_of, remove, resolve, sweep

WORKING_TREE: Final = "worktree"
INSTRUMENT: Final = ("lab", "reports", "fixtures", "scenarios", "experiments", THRESHOLDS.name)
"""What judges: a change in it is told first."""

PUBLISHED: Final = "published"
"""The folder of what was found: reports and the ledger judge nothing."""

EXAMPLES: Final = """
examples:
  ./noxw -s gate -- --base main                            # the working tree against main
  ./noxw -s gate -- --base HEAD~1 --head HEAD --operations product_list --budget 60s

exit code: 0 passes, 1 a regression, 2 could not be compared, 3 unclear: measure longer.
"""


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    parser = kind(
        prog="./noxw -s gate --", description="Compare two commits: answers, counts, then service time.",
        epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--base", required=True, metavar="REV", help="the commit to be as good as")
    add("--head", default=WORKING_TREE, metavar="REV", help="the commit to judge (default: worktree, as it is now)")
    add("--dataset", default="medium", help="small, x4, x20, medium, x300 or large (default: medium)")
    add("--budget", default="120s", help="time for measuring (default: 120s)")
    add("--blocks", type=_even, default=12, help="fresh processes, in which time is measured; even (default: 12)")
    add("--faces", default="", help="rest or graphql (default: both)")
    add("--operations", default="", help="only these, with commas")
    add(
        "--tolerance",
        type=_share,
        metavar="SHARE",
        help="a slow-down that is nobody's concern, as in 1%% (thresholds.toml)",
    )
    add("--seed", type=seed_number, default=1, help="draws the dataset, the keys and every order (default: 1)")
    add("--instrument", choices=("base", "head"), default="base", help="whose lab judges (default: base)")
    add("--plan-seed", type=seed_number, default=0, help=SUPPRESS)
    add("--inside", default="", help=SUPPRESS)
    add("--update", action="store_true", help="write head's counts into thresholds.toml as its budgets")
    add("--benchmarks", type=_names, default=(), metavar="NAMES", help="pair these benchmarks too, or all of them: all")
    add("--history", type=Path, metavar="DIR", help="add the ratios to a history, and draw its trend")
    add("--junit", type=Path, metavar="FILE", help="write JUnit XML there")
    add("--markdown", type=Path, metavar="FILE", help="write the summary there too")
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkouts:
    """Both commits as (tree, commit, Python), the working tree that they were made from, and a note of what judges."""

    main: str
    base: tuple[str, str, str]
    head: tuple[str, str, str]
    note: str


def _share(text: str) -> float:
    value = float(text.removesuffix("%")) / 100
    if not text.endswith("%") or not 0.001 <= value <= 0.5:
        raise ValueError
    return value


def _even(text: str) -> int:
    value = int(text)
    if value % 2 or not 4 <= value <= 200:
        raise ValueError
    return value


def _names(text: str) -> tuple[str, ...]:
    found = tuple(filter(None, (name.strip().removeprefix("test_") for name in text.split(","))))
    if not found:
        raise ValueError
    return found


_names.__name__ = "list of names, with commas,"
_even.__name__ = "even number from 4 to 200"
# argparse puts the name of the type into its refusal.
_share.__name__ = "share from 0.1% to 50%"


def gate(asked: Namespace, *, console: Console, command: str) -> int:
    """Compares and prints; the exit code. Raises LabError when it cannot compare."""
    if asked.inside:
        checkouts = msgspec.json.decode(asked.inside, type=Checkouts)
        with ExitStack() as stack:
            for tree in {checkouts.base[0], checkouts.head[0]} - {checkouts.main}:
                stack.callback(remove, Path(checkouts.main), Path(tree))
            return _judged(checkouts, asked=asked, console=console, command=command)
    check_writable()
    with ExitStack() as stack:
        checkouts = _made(asked, stack=stack, console=console)
        judge = checkouts.head if asked.instrument == "head" else checkouts.base
        if judge[0] != checkouts.main and (Path(judge[0]) / "lab" / "gate.py").is_file():
            _check_words(sys.argv[1:], judge=Path(judge[0]))
            # Whoever lets go of what is kept here removes the checkouts.
            kept = stack.pop_all()
            _become(checkouts, judge=judge, words=sys.argv[1:], kept=kept)
        if judge[0] != checkouts.main:
            checkouts = replace(
                checkouts, note=f"the {asked.instrument} has no gate: the lab of the working tree judges"
            )
        return _judged(checkouts, asked=asked, console=console, command=command)


def _made(asked: Namespace, *, stack: ExitStack, console: Console) -> Checkouts:
    folder = TREE / ".lab"
    folder.mkdir(exist_ok=True)
    worktrees = folder / "worktrees"
    sweep(TREE, folder=worktrees)
    base = resolve(TREE, asked.base)
    head = None if asked.head == WORKING_TREE else resolve(TREE, asked.head)
    base_tree = stack.enter_context(checked_out(TREE, base, folder=worktrees))
    head_tree = stack.enter_context(checked_out(TREE, head, folder=worktrees)) if head else TREE

    def python(tree: Path) -> str:
        # Benchmarks run under pytest, which servers have no need of.
        return python_of(
            tree, like=TREE, requirements="tests" if asked.benchmarks else "lab", folder=folder / "environments",
            say=partial(console.print, highlight=False),
        )  # fmt: skip

    head_commit = head[:COMMIT_DIGITS] if head else commit_of(TREE)
    judging = (*INSTRUMENT, "benchmarks") if asked.benchmarks else INSTRUMENT
    changed = [name for name in judging if _contents(base_tree / name) != _contents(head_tree / name)]
    note = f"the base's; the commits differ in {', '.join(changed)}" if changed else ""
    return Checkouts(
        main=str(TREE), base=(str(base_tree), base[:COMMIT_DIGITS], python(base_tree)),
        head=(str(head_tree), head_commit, python(head_tree)),
        note=note.replace("the base's", "the head's") if asked.instrument == "head" and note else note,
    )  # fmt: skip


def _check_words(words: list[str], *, judge: Path) -> None:
    """Raises LabError for an option that the judging lab is too old for."""
    known = (judge / "lab" / "gate_door.py").read_text(encoding="utf-8")
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        if f'"{option}"' not in known:
            raise LabError(
                f"the gate that judges, of {judge.name[:COMMIT_DIGITS]}, is from before {option}",
                hint="leave it out, or let this lab judge: --instrument head",
            )


def _become(checkouts: Checkouts, *, judge: tuple[str, str, str], words: list[str], kept: ExitStack) -> NoReturn:
    """This process becomes the lab of the commit that judges, in this one's folder and with its checkouts."""
    tree, _, python = judge
    folder = os.environ.get(FOLDER_VARIABLE) or str(Path(checkouts.main) / ".lab")
    environment = {**os.environ, "PYTHONPATH": tree, FOLDER_VARIABLE: folder}
    sys.stdout.flush()
    # Without -P the lab of the working directory would be imported.
    inside = ["--inside", msgspec.json.encode(checkouts).decode()]
    with kept:
        os.execve(python, [python, "-P", "-m", "lab", *words, *inside], environment)
    raise AssertionError


def _judged(checkouts: Checkouts, *, asked: Namespace, console: Console, command: str) -> int:
    from lab.gate import run_gate
    from lab.gate_order import BUDGETED_ON, GateOrder
    from lab.history_door import opened_history

    base, head = (
        Checkout(tree=Path(tree), commit=commit, python=python)
        for tree, commit, python in (checkouts.base, checkouts.head)
    )
    if asked.update and (asked.dataset, asked.seed) != BUDGETED_ON:
        size, seed = BUDGETED_ON
        raise LabError(f"budgets are those of {size}, seed {seed}", hint="leave --dataset and --seed out")
    whole = catalogue.load("toggles")
    experiment = narrowed(whole, faces=asked.faces, operations=asked.operations)
    judging = head if asked.instrument == "head" else base
    thresholds = read_thresholds(judging.tree / THRESHOLDS.name, known=whole.operation_names)
    kept = replace(experiment, operations=thresholds.kept(experiment.operations))
    gone = [name for name in experiment.operation_names if name not in kept.operation_names]
    notes = (checkouts.note, f"not asked, being removed: {', '.join(gone)}" if gone else "")
    if asked.tolerance:
        thresholds = thresholds.with_service_time(asked.tolerance)
    order = GateOrder(
        base=base, head=head, experiment=kept, thresholds=thresholds,
        dataset=asked.dataset, budget=budget_seconds(asked.budget), blocks=asked.blocks, seed=asked.seed,
        plan_seed=asked.plan_seed or asked.seed,
        instrument="; ".join(filter(None, notes)), command=command, benchmarks=asked.benchmarks,
        update=str(Path(checkouts.main) / THRESHOLDS.name) if asked.update else "",
    )  # fmt: skip
    opened_history(asked.history)
    for path in filter(None, (asked.junit, asked.markdown)):
        path.parent.mkdir(parents=True, exist_ok=True)
    return _tell(run_gate(order, console=console), asked=asked, console=console)


def _tell(run: RunFolder, *, asked: Namespace, console: Console) -> int:
    """Prints what was found, writes it where it was asked for, and returns the code: a full disk is no verdict."""
    from lab.gate_junit import junit
    from lab.gate_words import lines, markdown
    from lab.history_door import remember

    found = run.gate
    assert found  # noqa: S101 - the gate has just written it
    console.print()
    for number, line in enumerate(lines(found)):
        console.print(f"[bold]{escape(line)}[/]" if number == 0 else escape(line), highlight=False)
    text, summary = markdown(found), os.environ.get("GITHUB_STEP_SUMMARY")
    written: list[tuple[Path, str, str]] = [(run.path / "summary.md", text, "w")]
    written += [(asked.markdown, text, "w")] if asked.markdown else []
    written += [(asked.junit, junit(found), "w")] if asked.junit else []
    written += [(Path(summary), text, "a")] if summary else []
    for path, content, mode in written:
        try:
            with path.open(mode, encoding="utf-8") as file:
                file.write(content)
        except OSError as error:
            console.print(f"[yellow]note:[/] {escape(str(path))} was not written: {error.strerror}", highlight=False)
    console.print(f"summary: {os.path.relpath(run.path / 'summary.md')}", highlight=False)
    console.print(f"[bold]report:[/] {os.path.relpath(run.path / 'report.html')}", highlight=False)
    remember(run, history=asked.history, console=console)
    return found.code


def _contents(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {
        str(each.relative_to(path)): each.read_bytes()
        for each in sorted(path.rglob("*"))
        if each.is_file() and not {"__pycache__", PUBLISHED}.intersection(each.parts)
    }
