"""Yields whether a command would be understood by whoever it is typed for: their own parsers take its words.

Nothing is started but one process with Django, which parses and exits.
"""

import argparse
import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
import yaml

from fixtures import __main__ as fixtures_main
from fixtures.sizes import SIZES
from lab import __main__ as lab_main
from lab import catalogue, lab_door
from lab.asked import budget_seconds, narrowed
from lab.errors import LabError
from reports import __main__ as reports_main
from tests.shipping.documented import ROOT

OWN: Final = "examples/bookshop/windtunnel_experiment.py"
RUN: Final = "results/toggles/2026"
PLACEHOLDERS: Final = {
    "HOST:PORT": "127.0.0.1:5557", "N": "2", "URL": "http://127.0.0.1:8000/", "REV": "main", "NAME": "toggles",
    "RUN": RUN, "RUN_A": "toggles", "RUN_B": RUN, "RUN/PART": RUN, "results/toggles/<run>": RUN, "RUN_FOLDER": RUN,
    "DIR": "history", "FOLDER": "../mysite", "FILE": OWN, "{path}": OWN, "../mysite/windtunnel_experiment.py": OWN,
    "PATH...": "/api/products/", "$experiment": "toggles", "$dataset": "large", "$SESSION": "tests", "$HEAD": "HEAD",
    "$1": "60s", "$url": "http://127.0.0.1:8000", "$profile": "dev",
}  # fmt: skip
"""What stands for something of the reader's own, and an example of it."""
HANDED_OVER: Final = {"lint": "ruff", "types": "mypy", "lock": "uv", "shell": "Django", "psql": "psql", "fuzz": "1"}
"""Sessions whose arguments go to a program that is not asked here; what they name must be there all the same."""
VERBS: Final = {
    "build": "", "config": "--quiet", "down": "--volumes", "exec": "--no-TTY -T", "logs": "--no-color --tail",
    "ps": "", "run": "--rm", "stop": "", "up": "--detach --wait --wait-timeout --scale --no-build",
}  # fmt: skip
"""What is typed of Compose: more is added here by who documents more."""
DJANGO: Final = """
import json, sys, django
from django.core.management import CommandError, get_commands, load_command_class
django.setup()
said = []
for name, *words in json.load(sys.stdin):
    try:
        load_command_class(get_commands()[name], name).create_parser("targets", name).parse_args(words)
        said.append("")
    except (CommandError, KeyError) as error:
        said.append(str(error) or "it fails")
print(json.dumps(said))
"""


class Misunderstood(AssertionError):  # noqa: N818 - it names what was found
    """A command that somebody does not understand, and why."""


class _Parsed(Exception):  # noqa: N818 - it is no error: a door goes no further
    """A parser took all of its words."""

    def __init__(self, parser: argparse.ArgumentParser, asked: argparse.Namespace) -> None:
        super().__init__()
        self.parser, self.asked = parser, asked


def sessions() -> set[str]:
    """What `./noxw -l` lists."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(each) for each in node.decorator_list)
    }


def django_says(commands: Sequence[Sequence[str]]) -> list[str]:
    """For each command of Django, by its name and words, why its parser refuses it; empty where it does not."""
    settings = {"SECRET_KEY": "x", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "CACHE_URL": ""}
    done = subprocess.run(
        [sys.executable, "-c", DJANGO], input=json.dumps([list(each) for each in commands]), capture_output=True,
        text=True, cwd=ROOT, check=True, timeout=60,
        env={**os.environ, **settings, "DJANGO_SETTINGS_MODULE": "targets.config.settings"},
    )  # fmt: skip
    said: list[str] = json.loads(done.stdout.splitlines()[-1])
    return said


def of_django(command: str) -> list[str]:
    """The words that Django's parser gets of a command; empty where it is none of Django's."""
    words = _words(command)
    named = words[1:3] == ["-m", "targets"] and words[3:] and words[3] != "{}"
    return words[3:] if named else []


def check(command: str, *, config: pytest.Config) -> None:
    """Raises Misunderstood, whoever it is that does not understand."""
    try:
        _check(_words(command), config=config)
    except (LabError, pytest.UsageError, argparse.ArgumentTypeError) as error:
        raise Misunderstood(str(error)) from error
    except SystemExit as error:
        raise Misunderstood("its parser refuses it") from error


def door_options() -> set[str]:
    """Every option of every door of the lab."""
    doors = (lab_main.lab, *(door for name, door in lab_main.DOORS.items() if name not in HANDED_OVER))
    return set[str]().union(*map(options_of, doors))


def options_of(door: Callable[[list[str]], Any]) -> set[str]:
    """The options that a door's parser has."""
    return set(_parsed(door, [], strict=False).parser._option_string_actions)


def _words(command: str) -> list[str]:
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command)]
    for at, (before, word) in enumerate(pairwise(words), start=1):
        if word == "{}" and before == "--master":
            words[at] = "127.0.0.1:5557"
        elif word == "{}" and words[:3] == ["./noxw", "-s", "lab"] and before == "--":
            words[at] = OWN
        elif word == "{}" and words[:3] == ["./noxw", "-s", "gate"]:
            words[at] = "--base=main"
        elif "{}" in word and before != "targets":
            words[at] = word.replace("{}", RUN)
    return words


def _check(words: list[str], *, config: pytest.Config) -> None:
    program, rest = words[0], words[1:]
    for word in words:
        if "/" in word and not re.match(r"-|/|\.\./|\.nox/|results/|gate/|\w+://|ghcr|[\w-]+=|.*[ :]", word):
            _demand((ROOT / word).exists(), f"there is no {word}")
    if program == "./noxw":
        _check_session(rest, config=config)
    elif program == "docker":
        _check_compose(rest[1:]) if rest[0] == "compose" else _check_build(rest)
    elif program.endswith("/locust"):
        # Not imported: it would change the sockets of this process.
        _check_source(_file_of("locust").with_name("argument_parser.py"), rest)
    elif rest[:1] == ["-m"]:
        _demand(re.fullmatch(r"python|\.nox/(lab|tests)/bin/python", program), f"{program} has no lab")
        _check_module(rest[1], rest[2:])
    elif rest and rest[0].endswith(".py"):
        _check_source(ROOT / rest[0], rest[1:])
    else:
        _demand(os.access(ROOT / program, os.X_OK), f"{program} cannot be run")


def _check_session(words: list[str], *, config: pytest.Config) -> None:
    if words in ([], ["-l"]):
        return
    at = words.index("--") if "--" in words else len(words)
    own, given = words[1:at], words[at + 1 :]
    _demand(words[:1] == ["-s"] and own and set(own) <= sessions(), f"{own} are no sessions")
    if own[0] in {"tests", "compat", "benchmarks"}:
        _check_pytest(given, config=config)
    elif given and own[0] not in HANDED_OVER:
        _check_lab(given if own == ["lab"] else [*own, *given])


def _check_pytest(words: list[str], *, config: pytest.Config) -> None:
    if "-n" in words and not config.pluginmanager.hasplugin("xdist"):
        words = words[: words.index("-n")] + words[words.index("-n") + 2 :]
    asked = config._parser.parse(words)
    markers = {line.partition(":")[0] for line in config.getini("markers")}
    _demand(not words or "-m" not in words or asked.markexpr in markers, f"there is no marker {asked.markexpr}")
    if asked.keyword:
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
        tests = " ".join(name for text in texts for name in re.findall(r"def (test_\w+)", text))
        files = " ".join(path.name for path in (ROOT / "tests").rglob("test_*.py"))
        _demand(asked.keyword in f"{tests} {files}", f"no test is called {asked.keyword}")


def _check_module(module: str, words: list[str]) -> None:
    if module == "lab":
        _check_lab(words)
    elif module == "reports":
        _parsed(reports_main.main, words, strict=bool(words))
    elif module == "fixtures":
        asked = _parsed(fixtures_main.main, words).asked
        _demand(asked.size in SIZES, f"there is no size {asked.size}")
    elif module != "targets":  # whose words django_says() tells of
        _check_source(_file_of(module), words)


def _check_lab(words: list[str]) -> None:
    door = lab_main.DOORS.get(words[0]) if words else None
    if not words or words == ["--help"] or words[0] in {"shell", "psql"} or (door and not words[1:]):
        return  # named, and no more
    asked = _parsed(door or lab_main.lab, words[1:] if door else words).asked
    if not door and not asked.resume:
        lab_door._ordered(asked)
    elif words[0] == "gate":
        narrowed(catalogue.load("toggles"), faces=asked.faces, operations=asked.operations)
    for run in [asked.run] if isinstance(getattr(asked, "run", None), str) else getattr(asked, "run", []):
        _demand("/" in run or run in catalogue.names(), f"no run is called {run}")
    _demand(getattr(asked, "dataset", "") in {"", *SIZES, None}, "there is no such dataset")
    if getattr(asked, "budget", ""):
        budget_seconds(asked.budget)


def _parsed(door: Callable[[list[str]], Any], words: list[str], *, strict: bool = True) -> _Parsed:
    """What the parser of a door makes of words; not `strict`, it may make nothing of them."""

    def parse(parser: argparse.ArgumentParser, given: Any = None, namespace: Any = None) -> NoReturn:
        asked = argparse.Namespace()
        with suppress(*(() if strict else (LabError, SystemExit))):
            asked = original(parser, given, namespace)
        raise _Parsed(parser, asked)

    original = argparse.ArgumentParser.parse_args
    with pytest.MonkeyPatch.context() as patch, pytest.raises(_Parsed) as caught:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse)
        door(words)
    return caught.value


def _check_source(path: Path, words: list[str]) -> None:
    """Of a program whose parser cannot be had without running it: its source names the options."""
    source = path.read_text(encoding="utf-8")
    for option in (word for word in words if re.match(r"--?[a-z]", word)):
        _demand(f'"{option}"' in source, f"{path.name} takes no {option}")


def _check_compose(words: list[str]) -> None:
    services = _services()
    profiles = {name for service in services.values() for name in service.get("profiles", ())}
    while words[:1] == ["--profile"]:
        _demand(words[1] in profiles, f"there is no profile {words[1]}")
        words = words[2:]
    verb, rest = words[0], words[1:]
    _demand(verb in VERBS, f"Compose has no {verb}")
    for option in (word for word in rest if word.startswith("-") and word != "-" and verb != "exec"):
        _demand(option in VERBS[verb].split(), f"{verb} takes no {option}")
    valued = {"--scale", "--wait-timeout", "--tail"}
    named = [word for before, word in pairwise(["", *rest]) if not word.startswith(("-", "$")) and before not in valued]
    scaled = [word.partition("=")[0] for before, word in pairwise(["", *rest]) if before == "--scale"]
    for name in (*(named[:1] if verb in {"exec", "run"} else named), *scaled):
        _demand(name in services, f"there is no service {name}")


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise Misunderstood(f"there is no {module}")
    return Path(spec.origin)


def _check_build(words: list[str]) -> None:
    stages = re.findall(r"^FROM .* AS (\w+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    _demand(words[:2] == ["build", "--target"] and words[3] == "--tag", f"no command: {words}")
    _demand(words[2] in stages, f"there is no stage {words[2]}")


@cache
def _services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return found


def _demand(holds: object, why: str) -> None:
    if not holds:
        raise Misunderstood(why)
