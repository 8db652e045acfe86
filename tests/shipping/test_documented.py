"""Every command that the documentation names is one that its door understands; what each does, other tests show."""

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import __main__ as lab_main
from lab.errors import LabError

ROOT = Path(__file__).parents[2]
TEXTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "reports/published/README.md")
    for path in ROOT.glob(pattern)
)
BEGINNINGS = ("./noxw ", "python -m ", ".nox/lab/bin/python -m ", "docker compose ")
PLACEHOLDERS = {
    "HOST:PORT": "127.0.0.1:5557", "N": "2", "URL": "http://127.0.0.1:8000/", "REV": "main", "NAME": "toggles",
    "RUN": "toggles", "RUN_A": "toggles/a", "RUN_B": "toggles/b", "DIR": "history", "FOLDER": "../mysite",
    "FILE": "../mysite/windtunnel_experiment.py", "EXPERIMENT": "toggles", "NUMBER": "100",
    "results/toggles/<run>": "results/toggles/2026",
}  # fmt: skip
"""What stands for something of the reader's own, and an example of it."""
DJANGO = {"migrate", "check", "makemigrations", "shell"}
PASSED_ON = {"tests", "lint", "types", "benchmarks", "shell", "psql", "fuzz"}
"""Sessions and doors whose arguments belong to another program."""
ENDS = re.compile(r"\s+(?:#|>|&&|\||;)\s?.*$")


class Understood(Exception):  # noqa: N818 - it is no error: a door goes no further
    """A parser took all of its words."""


def commands(text: str) -> Iterator[str]:
    """The commands in blocks and within lines, a comment or what follows a pipe left out."""
    for line in re.findall(r"^(?: {4}|\s*\$ )(.*)$", re.sub(r"^```\w*$", "", text, flags=re.MULTILINE), re.MULTILINE):
        yield ENDS.sub("", line.strip())
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (ENDS.sub("", line.strip()) for line in block.splitlines())
    for inline in re.findall(r"(?<!`)`([^`]+)`(?!`)", text):
        yield ENDS.sub("", " ".join(inline.split()))


def documented() -> list[tuple[str, str]]:
    """Every (file, command), once."""
    found: dict[tuple[str, str], None] = {}
    for path in TEXTS:
        for command in commands(path.read_text(encoding="utf-8")):
            if command.startswith(BEGINNINGS):
                found[path.relative_to(ROOT).as_posix(), command] = None
    return list(found)


def sessions() -> set[str]:
    """What `./noxw -l` lists."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(each) for each in node.decorator_list)
    }


def check(command: str, *, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises AssertionError or LabError where a command would not be understood."""
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command)]
    if words[0] == "docker":
        _check_compose(words[2:])
    elif words[0] == "./noxw":
        _check_session(words[1:], monkeypatch=monkeypatch)
    else:
        _check_module(words[2:], monkeypatch=monkeypatch)


def _check_session(words: Sequence[str], *, monkeypatch: pytest.MonkeyPatch) -> None:
    if words == ["-l"]:
        return
    names, _, rest = " ".join(words).partition(" -- ")
    assert names.startswith("-s "), f"{names} names no session"
    own, given = names.split()[1:], shlex.split(" ".join(words[words.index("--") + 1 :])) if rest else []
    assert set(own) <= sessions(), f"{own} are no sessions"
    if given and own[0] not in PASSED_ON:
        _check_lab([own[0], *given] if own[0] != "lab" else given, monkeypatch=monkeypatch)


def _check_module(words: Sequence[str], *, monkeypatch: pytest.MonkeyPatch) -> None:
    module, given = words[0], list(words[1:])
    if module == "lab":
        _check_lab(given, monkeypatch=monkeypatch)
    elif module == "targets":
        own = {path.stem for path in (ROOT / "targets").glob("*/management/commands/*.py")}
        assert not given or given[0] in own | DJANGO, f"Django has no command {given[0]}"
    else:
        source = (ROOT / module.replace(".", "/") / "__main__.py").read_text(encoding="utf-8")
        for option in (word for word in given if word.startswith("--")):
            assert f'"{option}"' in source or 'f"--{name}"' in source, f"{module} takes no {option}"


def _check_lab(words: list[str], *, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(parser: Any, given: Sequence[str] | None = None, namespace: Any = None) -> Any:
        asked = original(parser, given, namespace)
        experiment = getattr(asked, "experiment", None)
        known = experiment is None or (ROOT / "experiments" / f"{experiment}.py").exists() or experiment.endswith(".py")
        assert known, f"there is no experiment {experiment}"
        raise Understood

    original = lab_main._Parser.parse_args
    monkeypatch.setattr(lab_main._Parser, "parse_args", parse)
    door = lab_main.DOORS.get(words[0]) if words else None
    if words and (words[0] in PASSED_ON or (words == [words[0]] and door)):
        # The words of another program, or a door that is but named.
        return
    with pytest.raises((Understood, SystemExit)) as caught:
        door(words[1:]) if door else lab_main.lab(words)
    # Only --help ends a parser so.
    assert caught.type is Understood or "--help" in words


def _check_compose(words: Sequence[str]) -> None:
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services = found["services"]
    profiles = {name for service in services.values() for name in service.get("profiles", ())}
    for option, value in pairwise(words):
        assert option != "--profile" or value in profiles, f"there is no profile {value}"
        assert option != "--scale" or value.partition("=")[0] in services, f"there is no service {value}"
    verbs = [word for word in words if word in {"up", "down", "stop", "exec", "ps", "config", "run", "logs"}]
    assert verbs, f"{' '.join(words)} is no command of Compose"
    named = [word for word in words[words.index(verbs[0]) + 1 :] if re.fullmatch(r"[a-z][a-z-]*", word)]
    first = [word for word in named if word not in {"sh", "cat"}] if verbs[0] == "exec" else named
    assert set(first[:1] if verbs[0] == "exec" else first) <= set(services), f"{first} are no services"


@pytest.mark.parametrize(("path", "command"), documented(), ids=lambda value: str(value)[:70])
def test_a_documented_command_is_understood(path: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session, door, options, experiment, profile and services are there."""
    check(command, monkeypatch=monkeypatch)


def test_there_are_commands_of_every_kind() -> None:
    """The documentation is really read: of each beginning there are commands, and of the doors most."""
    found = [command for _, command in documented()]
    assert all(any(command.startswith(each) for command in found) for each in BEGINNINGS)
    assert len([command for command in found if command.startswith("./noxw -s lab")]) > 20


@pytest.mark.parametrize(
    "command",
    [
        "./noxw -s labs", "./noxw -s lab -- --datset small", "./noxw -s lab -- toggles_2",
        "./noxw -s gate -- --bases main", "./noxw -s load -- URL --rates 2",
        "python -m lab sample toggles", "python -m targets migrat",
        "python -m fixtures --inplace", "docker compose --profile labs up", "docker compose up wep",
        "./noxw -s calibrate -- clocks",
    ],
)  # fmt: skip
def test_a_mistyped_command_is_found(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session, an option, an experiment or a service that is not there."""
    with pytest.raises((AssertionError, LabError, pytest.fail.Exception)):
        check(command, monkeypatch=monkeypatch)
