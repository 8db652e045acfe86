"""Settings from `.env`: those that the environment lacks, read by django-environ without loading Django here."""

from pathlib import Path

import pytest

from lab.dotenv import with_dotenv
from lab.errors import LabError
from lab.server import TREE


def test_a_missing_file_adds_nothing(tmp_path: Path) -> None:
    """The environment is what it was."""
    assert with_dotenv(tmp_path / ".env", {"A": "1"}) == {"A": "1"}


def test_the_environment_wins(tmp_path: Path) -> None:
    """What stands in the environment stays, also where it is empty; comments, quotes and `=` in values are read."""
    path = tmp_path / ".env"
    path.write_text("# comment\nA=file\nB=file\nC='a b'\nexport D=postgresql://u@h/d?host=/run&port=1\n")
    found = with_dotenv(path, {"A": "environment", "B": ""})
    expected = {"A": "environment", "B": "", "C": "a b", "D": "postgresql://u@h/d?host=/run&port=1"}
    assert {name: found[name] for name in expected} == expected


def test_the_example_can_be_read() -> None:
    """`.env.example`, copied as it is, names no server: the lab starts its own."""
    found = with_dotenv(TREE / ".env.example", {})
    assert found["DEBUG"] == "off"
    assert {"DATABASE_URL", "CACHE_URL"} & set(found) == set()


def test_a_line_that_is_no_setting_is_told_without_its_text(tmp_path: Path) -> None:
    """The line names the file, not what stands in it, which may be a secret."""
    path = tmp_path / ".env"
    path.write_text("this is secret\n")
    with pytest.raises(LabError) as caught:
        with_dotenv(path, {})
    assert caught.value.what == f"{path} cannot be read as settings"
