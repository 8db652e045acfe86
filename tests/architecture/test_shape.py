"""What the import contracts cannot say about the shape of the tree."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    room
    for room in ("targets", "fixtures", "scenarios", "benchmarks", "experiments", "lab", "reports")
    if (ROOT / room).is_dir()
]
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)
FACES = [path for path in FILES if path.name in {"rest_api.py", "graphql_api.py"}]
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "base", "misc", "shared"}
LONG_FOR_A_REASON: dict[str, str] = {}
"""Files above 300 lines, each with its reason."""
INSIDE_LOCUST = {
    "lab.generator", "lab.load_generator", "lab.load_worker", "lab.conduct", "lab.wire", "lab.users", "lab.timer",
    "lab.client", "lab.shapes", "lab.plain_user",
}  # fmt: skip
QUERIES = {
    "objects", "filter", "exclude", "annotate", "aggregate", "select_related", "prefetch_related", "order_by", "raw",
    "save", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "select_for_update", "cursor",
}  # fmt: skip


def relative(path: Path) -> str:
    """The path as a reader of the tree names it."""
    return path.relative_to(ROOT).as_posix()


def test_rooms_re_export_nothing():
    """Each `__init__.py` is empty or a docstring, so that importing a room has no effect and names have one home."""
    speaking = [
        relative(path)
        for path in FILES
        if path.name == "__init__.py"
        and any(
            not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            for node in ast.parse(path.read_text(encoding="utf-8")).body
        )
    ]
    assert speaking == []


def test_every_file_is_named_for_what_it_does():
    """No file or folder is called utils, helpers, common, core or base."""
    assert [
        relative(path) for path in FILES if NAMES_THAT_SAY_NOTHING & {path.stem, *path.relative_to(ROOT).parts}
    ] == []


def test_files_stay_short():
    """No file is above 300 lines without a reason that stands here, and no reason outlives its file."""
    lines = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > 300 and name not in LONG_FOR_A_REASON} == {}
    assert [name for name in LONG_FOR_A_REASON if lines.get(name, 0) <= 300] == []


def test_files_say_what_they_yield():
    """Every file with code opens with a docstring."""
    silent = [
        relative(path)
        for path in FILES
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]
    assert silent == []


def test_lab_loads_neither_django_nor_locust():
    """Importing all of the lab but what runs inside Locust leaves Django, Locust and gevent unloaded."""
    modules = [relative(path).removesuffix(".py").replace("/", ".") for path in FILES if path.parent == ROOT / "lab"]
    wanted = [name for name in modules if name not in INSIDE_LOCUST and not name.endswith(("__main__", "__init__"))]
    script = (
        "import importlib, sys\n"
        f"for name in {wanted!r}: importlib.import_module(name)\n"
        "print(*sorted({'django', 'locust', 'gevent'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


@pytest.mark.parametrize("path", FACES, ids=relative)
def test_faces_hold_no_query(path):
    """Views, serializers and resolvers call selectors, services and loaders; they never query or save themselves."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        f"{relative(path)}:{node.lineno} {node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in QUERIES
    ]
    assert found == []


def test_examples_are_no_part_of_subject_or_instrument():
    """No room imports `examples`, which is no package, and what stands there imports of the rooms `lab.own` alone."""
    assert not (ROOT / "examples" / "__init__.py").exists()
    own = dict.fromkeys(FILES, ("examples",))
    theirs = dict.fromkeys((ROOT / "examples").rglob("*.py"), tuple({*ROOMS, "tests"}))
    assert theirs
    wrong = [
        f"{relative(path)} imports {name}"
        for path, forbidden in (own | theirs).items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name.split(".")[0] in forbidden and name != "lab.own"
    ]
    assert wrong == []


def test_requirements_are_pinned_hashed_and_without_address():
    """Every requirement has one version and at least one hash; no registry, path or option stands beside them."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    assert [path.stem for path in files] == [
        "audit", "compat", "image-lab", "image-target", "lab", "lint", "nox", "tests", "types",
    ]  # fmt: skip
    pin = re.compile(r"[a-z0-9._-]+==[^ ]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")
    for path in files:
        requirements = path.read_text(encoding="utf-8").replace(" \\\n   ", "").splitlines()
        assert [line for line in requirements if not pin.fullmatch(line)] == []


def test_environments_agree_on_versions():
    """A package has the same versions in all environments, but for those that test another Django on a newer Python."""
    versions: dict[str, set[tuple[str, ...]]] = {}
    for path in (ROOT / "requirements").glob("*.txt"):
        if path.stem == "compat":
            continue
        found: dict[str, list[str]] = {}
        for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, []).append(version)
        for name, listed in found.items():
            versions.setdefault(name, set()).add(tuple(listed))
    assert {name: listed for name, listed in versions.items() if len(listed) > 1} == {}
