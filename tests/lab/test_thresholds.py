"""What a gate lets pass is read from a file that people edit: what is wrong with it is said with its line."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.thresholds import BUDGETED, THRESHOLDS, Thresholds, Tolerance, read_thresholds, with_budgets, write_budgets

OPERATIONS = ("product_list", "product_search", "product_detail")
Budgets = dict[tuple[str, str], dict[str, int]]


def written(path: Path, text: str) -> Path:
    """A thresholds file, byte by byte."""
    file = path / "thresholds.toml"
    file.write_bytes(text.encode())
    return file


def refusal(file: Path, *, known: tuple[str, ...] = ()) -> LabError:
    """What is said about a file that is refused."""
    with pytest.raises(LabError) as refused:
        read_thresholds(file, known=known)
    return refused.value


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """No file is no error."""
    assert read_thresholds(tmp_path / "none.toml") == Thresholds()
    assert Thresholds().of("anything") == Tolerance()


def test_the_projects_own_file_is_read() -> None:
    """What is committed is whole, and holds a budget for each operation and face."""
    assert set(read_thresholds(THRESHOLDS, known=OPERATIONS).budgets) == {
        (operation, face) for operation in OPERATIONS for face in ("rest", "graphql")
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


def test_an_operation_that_may_be_removed_is_not_asked(tmp_path: Path) -> None:
    """The others are; when none is left there is nothing to compare."""
    found = read_thresholds(written(tmp_path, "[operations.product_search]\nremoved = true\n"))
    assert found.kept(("shop:PRODUCT_LIST", "shop:PRODUCT_SEARCH")) == ("shop:PRODUCT_LIST",)
    with pytest.raises(LabError, match="every operation is marked as removed"):
        found.kept(("shop:PRODUCT_SEARCH",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[defaults]\nstatements = \n", "thresholds.toml is no TOML: Invalid value (at line 2, column 14)"),
        ("[defaults]\n\nspeed = 1\n", "thresholds.toml line 3: speed is not known"),
        ("[default]\n", "thresholds.toml line 1: default is not known"),
        ("[defaults]\nrows = 'many'\n", "thresholds.toml line 2: rows = 'many' is no number"),
        ("[defaults]\nrows = true\n", "thresholds.toml line 2: rows = True is no number"),
        ("[defaults]\nrows = -1\n", "thresholds.toml line 2: rows = -1 is no number"),
        ("[defaults]\nbuffers = nan\n", "thresholds.toml line 2: buffers = nan is no number"),
        ("[defaults]\naccept_answer = 1\n", "thresholds.toml line 2: accept_answer = 1 is no flag"),
        ("[operations]\nproduct_list = 3\n", "thresholds.toml line 2: product_list is no table"),
        ("[budgets.a.rest]\nbytes = 1.5\n", "thresholds.toml line 2: bytes = 1.5 is no whole number"),
        ("[[operations]]\n", "thresholds.toml line 1: operations is no table"),
        ('[defaults]\n"a\\nb" = 1\n', 'thresholds.toml line 2: "a\\nb" is not known'),
        ("[defaults]\nrows = " + "9" * 5000, "thresholds.toml is no TOML: Exceeds the limit"),
        ("defaults = " + "[" * 3000 + "]" * 3000, "thresholds.toml is no TOML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """One line: the file, the line, the key."""
    what = refusal(written(tmp_path, text)).what
    assert what.startswith(said)
    assert "\n" not in what


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("[operations.b]\nstatements = -1", 7),
        ("[budgets.b.rest]\nstatements = -1", 7),
        ("[ budgets . 'b' . \"rest\" ]  # why\nrows = 1\n'statements' = -1", 8),
        ("[budgets.b]\nrest.rows = 1\nrest.statements = -1", 8),
        ("[budgets]\nb = { rest = { statements = -1 } }", 7),
        ("[operations]\nb = 3", 7),
        ("[operations.b]\nrows = '''\nstatements = 0\n'''", 7),
        ("[operations.b]\nrows = [\n'statements',\n]  # statements\n[operations.c]", 7),
        ("# statements = 1\n\n[operations.b]\nspeed = 1", 9),
        ("[budgets.b.rest]\ncache_misses = 1", 7),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_is_that_of_the_table(tmp_path: Path, wrong: str, line: int, ending: str) -> None:
    """The same key in other tables, in comments and in texts is another's."""
    text = f"[defaults]\nstatements = 0\nrows = 0\n[operations.a]\nstatements = 1\n{wrong}\n"
    what = refusal(written(tmp_path, text.replace("\n", ending))).what
    assert what.startswith(f"thresholds.toml line {line}: ")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[operations.prodct_list]\nrows = 1", "line 2: prodct_list is no operation", "operations are product_list, p"),
        ("[budgets.prodct_list.rest]\nrows = 1", "line 2: prodct_list is no operation", "operations are product_list"),
        ("[budgets.product_list.graphq]", "line 2: graphq is no face", "the faces are rest, graphql"),
        ("[budgets]\nproduct_list.soap.rows = 1", "line 3: soap is no face", "the faces are rest, graphql"),
    ],
)
def test_a_table_of_nothing_is_refused(tmp_path: Path, text: str, what: str, hint: str) -> None:
    """A limit of an operation or a face that there is not would hold nothing; the names that there are, are said."""
    file = written(tmp_path, f"[budgets.product_list.rest]\n{text}\n")
    refused = refusal(file, known=OPERATIONS)
    assert what in refused.what
    assert hint in refused.hint
    assert read_thresholds(file).budgets[("product_list", "rest")] == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[defaults]\nservice_time = 0.06\n", "line 2: must_catch = 0.05 is below service_time = 0.06"),
        ("[defaults]\nmust_catch = 0.01\n", "line 2: must_catch = 0.01 is below service_time = 0.02"),
        ("[defaults]\nmust_catch = 0.1\n[operations.a]\nservice_time = 0.2\n", "line 4: must_catch = 0.1 is below"),
        ("[defaults]\nservice_time = 0.04\n[operations.a]\nmust_catch = 0.03\n", "line 4: must_catch = 0.03 is below"),
    ],
)
def test_what_must_be_caught_is_not_below_what_may_pass(tmp_path: Path, text: str, said: str) -> None:
    """Nothing could be the same within both: it is refused at the key that the table itself has."""
    assert said in refusal(written(tmp_path, text)).what


def test_a_wider_tolerance_widens_what_must_be_caught(tmp_path: Path) -> None:
    """A slow-down between both would be neither slower nor the same: for all operations, and never narrower."""
    file = written(tmp_path, "[operations.a]\nmust_catch = 0.4\n[operations.b]\nservice_time = 0.01\n")
    found = read_thresholds(file).with_service_time(0.1)
    assert found.defaults == Tolerance(service_time=0.1, must_catch=0.25)
    assert found.of("a") == Tolerance(service_time=0.1, must_catch=0.4)
    assert found.of("b") == Tolerance(service_time=0.1, must_catch=0.25)
    assert Thresholds().with_service_time(0.01).defaults == Tolerance(service_time=0.01, must_catch=0.05)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """It is said in one line with the file's name, and is not written over."""
    file = tmp_path / "thresholds.toml"
    file.write_bytes("[defaults]\n# für uns\n".encode("latin-1"))
    assert refusal(file).what == "thresholds.toml line 2: is no UTF-8"
    with pytest.raises(LabError, match="is no UTF-8"):
        write_budgets(file, {("a", "rest"): {"rows": 1}})
    assert file.read_bytes() == "[defaults]\n# für uns\n".encode("latin-1")


@given(text=st.text(alphabet="[]defaults.operations=10'\"\n ", max_size=40))
def test_whatever_is_written_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text ends in another error than the lab's own."""
    file = written(tmp_path_factory.mktemp("thresholds"), text)
    with suppress(LabError):
        read_thresholds(file)


def test_new_budgets_leave_the_rest_as_it_is(tmp_path: Path) -> None:
    """Hand-made metrics, comments, order and the file's rights stay; no other file is left beside it."""
    file = written(
        tmp_path,
        "# why\n\n  [budgets.a.rest]  # of a\nbuffers = 7  # by hand\nrows = 0x10 # sixteen\n# last\n\n"
        "[operations.a]\nrows=1",
    )
    file.chmod(0o640)
    write_budgets(file, {("a", "rest"): {"statements": 2, "rows": 3}, ("b", "graphql"): {"rows": 4, "bytes": 5}})
    assert file.read_text() == (
        "# why\n\n  [budgets.a.rest]  # of a\nbuffers = 7  # by hand\nrows = 3 # sixteen\nstatements = 2\n# last\n\n"
        "[operations.a]\nrows=1\n\n[budgets.b.graphql]\nrows = 4\nbytes = 5\n"
    )
    assert (file.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o640, [file])


def test_budgets_make_a_file_where_there_is_none(tmp_path: Path) -> None:
    """The first `--update` of a project."""
    write_budgets(tmp_path / "thresholds.toml", {("a", "rest"): {"statements": 2}})
    assert (tmp_path / "thresholds.toml").read_text() == "[budgets.a.rest]\nstatements = 2\n"


def test_a_broken_file_gets_no_budgets(tmp_path: Path) -> None:
    """It is refused as a gate refuses it, and stays."""
    file = written(tmp_path, "[defaults]\nspeed = 1\n")
    with pytest.raises(LabError, match="line 2: speed is not known"):
        write_budgets(file, {("a", "rest"): {"rows": 1}})
    assert file.read_text() == "[defaults]\nspeed = 1\n"


def test_recording_the_projects_own_budgets_again_changes_nothing() -> None:
    """Byte by byte."""
    text = THRESHOLDS.read_text(encoding="utf-8")
    assert with_budgets(text, {place: dict(own) for place, own in read_thresholds(THRESHOLDS).budgets.items()}) == text


PLAIN = st.characters(codec="utf-8", exclude_characters="~")
"""Of names, so that they hold no comment of these tests, which all begin with #~."""
NAMES = st.sampled_from(["a", "b", "", "a.b", "}", "é # ", '"', "\x7f\n", "'= "]) | st.text(PLAIN, max_size=3)
WANTED = st.dictionaries(
    st.tuples(NAMES, st.sampled_from(["rest", "graphql"]) | NAMES),
    st.dictionaries(st.sampled_from(BUDGETED), st.integers(0, 10**12)),
    max_size=4,
)
OTHERS = ["[defaults]", "rows = 1", "[operations.a]", "accept_answer = true", "[ operations . b ]"]


def quoted(name: str) -> str:
    """A key of TOML, each character as its number."""
    return '"' + "".join(f"\\U{ord(each):08x}" for each in name) + '"'


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file that can be read, whose tables have one of the forms that TOML has for them, and comments anywhere."""
    roots, tables = [], list(OTHERS)
    own = st.dictionaries(st.sampled_from(BUDGETED).map("{} = 9".format), st.none()).map(list)
    for operation, faces in draw(st.dictionaries(NAMES.map(quoted), st.dictionaries(NAMES.map(quoted), own))).items():
        inline = [f"{face} = {{ {', '.join(own)} }}" for face, own in faces.items()]
        dotted = [f"{face}. {each}" for face, own in faces.items() for each in own]
        apart = [line for face, own in faces.items() for line in (f"\t[ budgets .{operation}.{face}]", *own)]
        roots_here, tables_here = draw(
            st.sampled_from(
                [
                    ([f"budgets.{operation} = {{{','.join(inline)}}}"], []),
                    ([f"budgets.{operation}.{each}" for each in dotted], []),
                    ([], [f"[budgets.{operation}]", *inline]),
                    ([], [f"[budgets.{operation}]", *dotted]),
                    ([], apart),
                ]
            )
        )
        roots += roots_here
        tables += tables_here
    comments = st.sampled_from(["", " ", "\n", " #~ [budgets.a.rest]", "#~ }", "\n#~ rows = 1\u2028", "\n\n#~\n"])
    text = "\n".join(f"{line}{draw(comments)}" for line in [*roots, *tables])
    return (text + draw(comments)).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


LINES = (
    *(f"[budgets.{name}]{end}" for name in ("a", "a.rest", '"a" . rest', "b.graphql") for end in ("", " #~ why", "\t")),
    *(f"{head}{metric} = 0x1F#~{metric}" for head in ("", "a.rest.", "rest.") for metric in ("rows", "bytes")),
    *("[budgets]", "[defaults]", "[operations.a]", "[operations]", "budgets.a.rest.rows = 1", "budgets = {}", "#~ a"),
    *("rest = {}", "a = { rest = {rows = 1} } #~ a", "rest = {'rows'=1}", "a = {rest.bytes = +1_0}", "#~ rows = 1", ""),
    "budgets = {'}' = {'}' = {rows = 1}}, a = {}} #~ }",
)


def flat(budgets: dict[str, dict[str, dict[str, int]]]) -> Budgets:
    """Budgets as TOML has them by those who have any."""
    return {(operation, face): own for operation, faces in budgets.items() for face, own in faces.items() if own}


@given(text=files() | st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), wanted=WANTED)
@example(text="", wanted={("a", "rest"): {"rows": 1}})
@example(text="budgets.a.rest.rows = 1", wanted={("a", "rest"): {"bytes": 1}, ("a", "graphql"): {"rows": 1}})
@example(text="[budgets.a]\r\n[budgets.a.rest] #~\r\n#~", wanted={("a", "rest"): {"rows": 1}, ("a", ""): {"rows": 1}})
def test_any_file_takes_any_budgets(tmp_path_factory: pytest.TempPathFactory, text: str, wanted: Budgets) -> None:
    """What is written reads to these budgets and to all else that was there, with the comments in their order."""
    file = written(tmp_path_factory.mktemp("thresholds"), text)
    try:
        before = read_thresholds(file)
    except LabError:
        assume(False)
    write_budgets(file, wanted)
    changed, after = file.read_bytes().decode(), read_thresholds(file)
    was, now = tomllib.loads(text), tomllib.loads(changed)
    there = flat(was.pop("budgets", {}))
    both = {place: there.get(place, {}) | wanted.get(place, {}) for place in there.keys() | wanted.keys()}
    assert flat(now.pop("budgets", {})) == {place: own for place, own in both.items() if own}
    assert (now, after.defaults, after.operations) == (was, before.defaults, before.operations)
    assert re.findall(r"#~[^\r\n]*", changed) == re.findall(r"#~[^\r\n]*", text)
    write_budgets(file, wanted)
    assert file.read_bytes().decode() == changed


@given(text=files())
def test_the_forms_of_a_table_are_all_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """So that none is left out above, where what cannot be read is passed over."""
    read_thresholds(written(tmp_path_factory.mktemp("thresholds"), text))
