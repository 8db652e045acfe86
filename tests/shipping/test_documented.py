"""Every command that the project tells people to type is one that its door understands; what it does, others show."""

import re
from functools import cache

import pytest

from lab import catalogue
from lab.__main__ import lab
from tests.shipping.documented import ROOT, TEXTS, documented, options
from tests.shipping.understood import (
    HANDED_OVER,
    VERBS,
    Misunderstood,
    check,
    django_says,
    door_options,
    of_django,
    options_of,
    sessions,
)


@cache
def commands() -> tuple[tuple[str, str], ...]:
    """Every (file, command)."""
    return tuple(documented(sessions=sessions(), experiments=set(catalogue.names())))


@pytest.mark.parametrize(("path", "command"), commands(), ids=lambda value: str(value)[:70])
def test_a_documented_command_is_understood(path: str, command: str, pytestconfig: pytest.Config) -> None:
    """Its session, door, options, levels, experiment, profile, services and files are there."""
    check(command, config=pytestconfig)


@pytest.mark.parametrize("name", catalogue.names())
def test_each_experiment_takes_the_words_of_every_night(name: str, pytestconfig: pytest.Config) -> None:
    """Words that suit most experiments may be refused by one."""
    asked = [command for _, command in commands() if "$experiment" in command]
    assert asked
    for command in asked:
        check(command.replace("$experiment", name), config=pytestconfig)


def test_documented_commands_of_django_are_understood() -> None:
    """Django's own parser, with the project's apps, takes their names and words; it does not take others."""
    asked = {command: words for _, command in commands() if (words := of_django(command))}
    assert dict(zip(asked, django_says(list(asked.values())), strict=True)) == dict.fromkeys(asked, "")
    assert len(asked) >= 5
    assert all(django_says([["migrat"], ["check", "--deploi"], ["page_sql"], ["forget_tokens", "--all"]]))


def test_an_option_that_is_named_alone_is_one_of_a_door() -> None:
    """As in `--budget`: some door of the lab takes it, or Compose does."""
    known = door_options() | {word for words in VERBS.values() for word in words.split()}
    named = [
        (path.relative_to(ROOT).as_posix(), option)
        for pattern in TEXTS for path in ROOT.glob(pattern) if path.name != "CHANGELOG.md"
        for option in options(path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert [(path, option) for path, option in named if option not in known] == []
    assert len(named) > 30


def test_the_readme_names_every_session_experiment_and_option() -> None:
    """Its tables leave none out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith(("| `", "| [`"))]
    cells = re.sub(r"\]\([^)]*\)|[`\[,]", " ", " ".join(rows)).split()
    assert set(catalogue.names()) <= set(cells)
    assert sessions() - {"lab", "tests"} <= set(cells)
    assert options_of(lab) - {"-h", "--help"} <= set(cells)


def test_commands_are_found_wherever_they_stand() -> None:
    """In texts, comments, scripts, templates and hints, and of every kind."""
    found = commands()
    files = {path for path, _ in found}
    assert files >= {
        "README.md",
        "docs/operations.md",
        "docker-compose.yml",
        ".ci/run",
        ".github/workflows/nightly.yml",
    }
    assert files >= {"lab/report_door.py", "fixtures/template.py", "targets/web/checks.py", "Dockerfile"}
    assert ("README.md", "./noxw -s calibrate -- kills") in found
    assert ("docs/load.md", "python -m lab worker --master HOST:PORT") in found
    assert ("lab/lab_door.py", "./noxw -s lab -- --resume {}") in found
    assert len([command for _, command in found if command.startswith("./noxw -s lab")]) > 40


@pytest.mark.parametrize(
    "command",
    [
        "./noxw -s labs", "./noxw -l labs", "./noxw --sessions lab", "./noxw -s lab -- --datset small",
        "./noxw -s lab -- toggles_2", "./noxw -s lab -- --dataset small_2", "./noxw -s lab -- --set cache=of",
        "./noxw -s lab -- --operations product_lists", "./noxw -s lab -- --budget 30x", "./noxw -s lab -- samples A B",
        "./noxw -s lab -- capacity --operations product_list", "./noxw -s lab -- indexes --load",
        "./noxw -s lab -- examples/bookshop/experiment.py", "./noxw -s gate -- --bases main",
        "./noxw -s gate -- --base main --faces soap", "./noxw -s load -- URL --rates 2",
        "./noxw -s load -- URL --arrivals even", "./noxw -s calibrate -- clocks", "./noxw -s report -- toggles_2",
        "./noxw -s seed -- --dataset vast", "./noxw -s serve -- --prot 8000", "./noxw -s init -- FOLDER FOLDER",
        "./noxw -s tests -- tests/lab/test_plans.py", "./noxw -s tests -- -m given_server",
        "./noxw -s tests -- -k no_such_test", "./noxw -s tests -- --nosuch", "./noxw -s types -- lab/plans.py",
        "python -m lab sample toggles", "python -m lab worker --host HOST:PORT", ".nox/labs/bin/python -m lab",
        "python -m fixtures --inplace", "python -m reports --shema docs/schema/findings-1.json",
        "python -m reports --schema docs/schemas/findings-1.json", "python -m lab.carrier 8000",
        "python3 .ci/smoke.py --with-date URL", "python3 .ci/smok.py URL", ".ci/runs",
        ".nox/lab/bin/locust -f scenarios/browse.py --master", ".nox/lab/bin/locust --mastr",
        "docker compose --profile labs up", "docker compose up wep", "docker compose up --detatch",
        "docker compose up --scale locust-workers=8", "docker compose exec wep cat /tmp/lab-token",
        "docker compose upp",
    ],
)  # fmt: skip
def test_a_mistyped_command_is_found(command: str, pytestconfig: pytest.Config) -> None:
    """A session, an option, a level, an experiment, a file or a service that is not there."""
    with pytest.raises(Misunderstood):
        check(command, config=pytestconfig)


def test_two_letters_in_the_wrong_order_are_found(pytestconfig: pytest.Config) -> None:
    """In each session and each long option of every documented command, but in what other programs are to read."""
    tried, lived = 0, []
    for command in dict.fromkeys(command for _, command in commands()):
        words = command.split()
        if of_django(command) or " exec " in command or set(words[2:3]) & set(HANDED_OVER):
            continue
        for at, word in enumerate(words):
            if (words[at - 1] == "-s" and word.isalpha()) or re.fullmatch(r"--[a-z-]+", word):
                # A word that ends in one letter twice gets it thrice.
                wrong = word[:-2] + word[:-3:-1] if word[-1] != word[-2] else word + word[-1]
                mistyped = " ".join([*words[:at], wrong, *words[at + 1 :]])
                tried += 1
                try:
                    check(mistyped, config=pytestconfig)
                except Misunderstood:
                    continue
                lived.append(mistyped)
    assert lived == []
    assert tried > 200
