"""docker-compose.yml: what it reads is documented, what it starts is hardened, and nothing waits for ever."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.shipping.compose import (
    FILE,
    PROFILES,
    ROOT,
    SECRETS,
    VARIABLE,
    MissingVariableError,
    Service,
    document,
    filled,
    services,
    some_variables,
)
from tests.shipping.dockerfile import stages

SERVICES = services(some_variables())
OURS = {name for name, service in SERVICES.items() if service.stage}


def strings(value: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def enabled(*profiles: str) -> dict[str, Service]:
    """The services that some profiles start."""
    return {
        name: each for name, each in SERVICES.items() if not each.profiles or set(each.profiles) & set(profiles)
    }  # fmt: skip


def test_every_variable_is_documented():
    """What is filled in, and what is passed on as it is, stands in .env.example."""
    told = document()
    read = {found["name"] for text in strings(told) for found in VARIABLE.finditer(text) if found["name"]}
    read |= {
        key for each in told["services"].values() for key, value in each.get("environment", {}).items() if value is None
    }
    documented = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(read) > 30
    assert read - documented == set()


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_has_a_default(name: str):
    """Without one of them nothing starts, and the message names it."""
    variables = {key: value for key, value in some_variables().items() if key != name}
    with pytest.raises(MissingVariableError, match=name):
        services(variables)


def test_variables_are_filled_in_as_compose_does():
    """A default stands for what is missing or empty, and two dollars are one."""
    told = {"a": "${A:-x}${B:-}", "b": ["$$HOME", "${A:?no}"], "c": 1}
    assert filled(told, {"A": "1", "B": ""}) == {"a": "1", "b": ["$HOME", "1"], "c": 1}


def test_profiles_are_the_known_ones_and_suffice():
    """Whatever a profile starts can be started by it: all that must be waited for is in it too."""
    assert {profile for each in SERVICES.values() for profile in each.profiles} == set(PROFILES)
    for profile in ("", *PROFILES):
        there = enabled(profile)
        for name, service in there.items():
            needed = {
                other for other in service.needs
                if service.settings["depends_on"][other].get("required", True)
            }  # fmt: skip
            assert needed <= set(there), f"{name} in the profile {profile or 'none'}"


def test_the_lab_token_is_where_the_lab_is_and_nowhere_else():
    """Web has none even where .env has one; web-lab, in the profile lab alone and on the loopback, draws its own."""
    given = services({**some_variables(), "TARGET_LAB_TOKEN": "t" * 40})
    holders = {name for name, each in given.items() if "t" * 40 in strings(dict(each.settings))}
    assert holders == set()
    assert {
        each.environment["TARGET_LAB_TOKEN"] for name, each in given.items() if "SECRET_KEY" in each.environment
    } == {""}
    assert given["web-lab"].profiles == ("lab",)
    assert given["web-lab"].settings["ports"] == ["127.0.0.1:8001:8000"]
    assert "secrets.token_urlsafe(32)" in given["web-lab"].command[-1]
    # Nor does a token that it signed say anything to web.
    assert (
        "SECRET_KEY=\"$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" in given["web-lab"].command[-1]
    )
    assert (given["web-lab"].environment["SECRET_KEY"], given["web-lab"].environment["JWT_KEYS"]) == (
        "drawn at every start", "",
    )  # fmt: skip
    assert [name for name, each in given.items() if "TARGET_LAB_TOKEN=" in " ".join(each.command)] == ["web-lab"]


def test_what_is_checked_is_what_is_served():
    """`check` has the settings that web has, but for how it listens; and web is not started before it passed."""
    own = {"GRANIAN_PORT", "GRANIAN_WORKERS", "DATABASE_TIMEOUT_SECONDS"}
    web, check = SERVICES["web"], SERVICES["check"]
    assert {key: value for key, value in web.environment.items() if key not in own} == check.environment
    assert web.needs["migrate"] == SERVICES["migrate"].needs["check"] == "service_completed_successfully"


def test_web_refuses_what_is_set_on_it_alone():
    """`check` has another environment: before it serves, web asks of its own what production needs."""
    *shell, script = SERVICES["web"].command
    asked, served = script.strip().splitlines()
    assert shell == ["sh", "-euc"]
    assert asked.split() == list(SERVICES["check"].command)
    assert served.split() == ["exec", *stages()["target"].argv("CMD")]


def test_who_is_waited_for_can_be_waited_for():
    """A service that ends is waited for to its end, any other until it is well; and nobody waits for himself."""
    for name, service in SERVICES.items():
        for other, condition in service.needs.items():
            wanted = "service_completed_successfully" if SERVICES[other].is_once else "service_healthy"
            assert condition == wanted, f"{name} waits for {other}"
    started: set[str] = set()
    while len(started) < len(SERVICES):
        ready = {name for name, each in SERVICES.items() if name not in started and set(each.needs) <= started}
        assert ready, f"these wait for each other: {set(SERVICES) - started}"
        started |= ready
    ending = {name for name, each in SERVICES.items() if each.is_once}
    assert ending - {other for each in SERVICES.values() for other in each.needs} == set(), (
        "or `up --wait` fails by them"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str):
    """Its files cannot be changed, it has no right and gets none, it is not root, and it cannot take all there is."""
    told = SERVICES[name].settings
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in told
    assert "privileged" not in told
    user = told.get("user") or stages()[SERVICES[name].stage].last("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert set(told["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert all(port.startswith("127.0.0.1:") for port in told.get("ports", []))
    assert told["restart"] in {"no", "unless-stopped"}
    assert not any(source.startswith((".", "/")) for source in SERVICES[name].kept.values()), "no folder of the host's"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_that_stays_is_asked_for_its_health(name: str):
    """By a check of its own, or by that of its image; what ends has its exit code."""
    service = SERVICES[name]
    from_image = stages()[service.stage].argv("HEALTHCHECK") if service.stage else ()
    assert service.is_once or service.health or from_image
    if service.health and service.stage:
        assert service.settings["healthcheck"]["start_period"]


def test_what_must_outlive_a_restart_is_in_a_volume_with_a_name():
    """The database, the messages and when beat last ran; and no volume is declared that nobody has."""
    named = {volume: name for name, each in SERVICES.items() for volume in each.kept.values() if volume}
    assert named == {"postgres": "postgres", "rabbitmq": "rabbitmq", "beat": "beat"}
    assert set(document()["volumes"]) == set(named)


def test_images_are_built_here_or_cannot_change():
    """By digest, or from the Dockerfile's stages."""
    for name, service in SERVICES.items():
        if name in OURS:
            assert service.stage in stages()
        else:
            assert re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", service.settings["image"]), name


def test_workflows_try_the_same_servers():
    """A service container of a workflow is the image of the stack."""
    images = {service.settings["image"] for name, service in SERVICES.items() if name not in OURS}
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        used = set(re.findall(r"^\s+image: (\S+@sha256:\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= images, path.name


def compose() -> tuple[str, ...]:
    """The words by which Compose is started here; none where it is not installed."""
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    version = ["docker", "compose", "version"]
    found = shutil.which("docker") and subprocess.run(version, capture_output=True, check=False).returncode == 0
    return ("docker", "compose") if found else ()


@pytest.mark.skipif(not compose(), reason="no docker compose on this machine; the session lint has one")
def test_compose_itself_reads_what_these_tests_read(tmp_path: Path):
    """Commands, environments, conditions and checks, of all profiles, are those of `docker compose config`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **some_variables()}
    words = [*compose(), "--file", str(FILE), "--env-file", "/dev/null", "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name, told in json.loads(done.stdout)["services"].items():
        read = SERVICES[name]
        assert tuple(told.get("command") or ()) == tuple(word.replace("$", "$$") for word in read.command)
        given = {key: value for key, value in (told.get("environment") or {}).items() if value is not None}
        assert given == read.environment
        assert {other: how["condition"] for other, how in told.get("depends_on", {}).items()} == read.needs
        assert told["restart"] == read.settings["restart"]
        assert bool(told.get("healthcheck", {}).get("disable")) == read.is_once
