"""Both images: what they are made of, whom they run as, and how the API is asked for its health."""

import re

import pytest

from tests.shipping.built import is_in_context
from tests.shipping.dockerfile import chain, stages

FINAL = ("target", "lab")


def test_every_base_is_a_digest_or_a_stage():
    """What an image is built on cannot change without a change of the file."""
    known = stages()
    outside = {stage.base for stage in known.values()} - set(known)
    assert outside
    assert [base for base in outside if not re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", base)] == []


@pytest.mark.parametrize("name", FINAL)
def test_nobody_runs_as_root_and_files_are_roots(name: str):
    """The last word on the user is a number above all that a system gives out; nothing is copied in as theirs."""
    stage = stages()[name]
    assert stage.last("USER") == "10001:10001"
    assert [rest for word, rest in stage.instructions if word == "COPY" and "--chown" in rest] == []


@pytest.mark.parametrize("name", FINAL)
def test_packages_are_hashed_wheels_of_a_list_of_the_tree(name: str):
    """Both install by one command, which believes no index and builds but one package; only the list differs."""
    [command] = [rest for word, rest in stages()[f"{name}-packages"].instructions if word == "RUN"]
    [other] = [rest for word, rest in stages()["target-packages"].instructions if word == "RUN"]
    assert command == other
    assert {"--require-hashes", "--no-cache-dir", "--only-binary"} <= set(command.split())
    copied = stages()[f"{name}-packages"].last("COPY")
    assert copied == f"requirements/image-{name}.txt /opt/requirements.txt"


def test_only_what_an_image_is_made_of_reaches_the_engine():
    """A file of secrets, the history, results and tests stay where they are."""
    assert [
        path for path in (".env", ".git", "results", "tests", ".lab", ".nox", "noxfile.py") if is_in_context(path)
    ] == []
    copied = {rest.split()[0] for stage in stages().values() for word, rest in stage.instructions if word == "COPY"}
    wanted = {path for path in copied if not path.startswith("--from=")}
    assert {path for path in wanted if not is_in_context(path)} == set()
    assert is_in_context("requirements/image-target.txt")
    assert not is_in_context("requirements/tests.txt")


def test_the_health_of_the_api_is_asked_of_its_own_address():
    """The image's own health check is a program that it has, and asks where it is told to listen."""
    health = " ".join(stages()["target"].argv("HEALTHCHECK"))
    environment = {key: value for part in chain("target") for key, value in part.environment.items()}
    assert "/healthz" in health
    assert "environ['GRANIAN_PORT']" in health
    assert environment["GRANIAN_PORT"] == stages()["target"].last("EXPOSE")
