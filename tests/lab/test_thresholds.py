"""What a gate lets pass is read from a file that people edit: what is wrong with it is said with its line."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.thresholds import THRESHOLDS, Thresholds, Tolerance, read_thresholds


def written(path: Path, text: str) -> Path:
    """A thresholds file."""
    file = path / "thresholds.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """No file is no error."""
    assert read_thresholds(tmp_path / "none.toml") == Thresholds()
    assert Thresholds().of("anything") == Tolerance()


def test_the_projects_own_file_is_read() -> None:
    """What is committed is whole, and holds a budget for each operation and face."""
    assert set(read_thresholds(THRESHOLDS).budgets) == {
        (operation, face)
        for operation in ("product_list", "product_search", "product_detail")
        for face in ("rest", "graphql")
    }


def test_an_operation_changes_what_it_names_alone(tmp_path: Path) -> None:
    """The others of its tolerances are the file's defaults, and other operations have those."""
    file = written(
        tmp_path,
        "[defaults]\nbuffers = 0.2\n[operations.product_list]\nstatements = 2\naccept_answer = true\n"
        "[budgets.product_list.rest]\nstatements = 3\n",
    )
    found = read_thresholds(file)
    assert found.of("product_list") == Tolerance(buffers=0.2, statements=2, accept_answer=True)
    assert found.of("product_detail") == Tolerance(buffers=0.2)
    assert found.budgets == {("product_list", "rest"): (("statements", 3),)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[defaults]\nstatements = \n", "thresholds.toml is no TOML: Invalid value (at line 2, column 14)"),
        ("[defaults]\n\nspeed = 1\n", "thresholds.toml line 3: speed is not known"),
        ("[default]\n", "thresholds.toml line 1: default is not known"),
        ("[defaults]\nrows = 'many'\n", "thresholds.toml line 2: rows = 'many' is no number"),
        ("[defaults]\nrows = true\n", "thresholds.toml line 2: rows = True is no number"),
        ("[defaults]\nrows = -1\n", "thresholds.toml line 2: rows = -1 is no number"),
        ("[defaults]\naccept_answer = 1\n", "thresholds.toml line 2: accept_answer = 1 is no flag"),
        ("[operations]\nproduct_list = 3\n", "thresholds.toml line 2: product_list is no table"),
        ("[budgets.a.rest]\nbytes = 1.5\n", "thresholds.toml line 2: bytes = 1.5 is no whole number"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """One line: the file, the line, the key."""
    with pytest.raises(LabError) as refused:
        read_thresholds(written(tmp_path, text))
    assert refused.value.what.startswith(said)


@given(text=st.text(alphabet="[]defaults.operations=10'\"\n ", max_size=40))
def test_whatever_is_written_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text ends in another error than the lab's own."""
    file = written(tmp_path_factory.mktemp("thresholds"), text)
    with suppress(LabError):
        read_thresholds(file)
