"""From `lab init` on a stock Django project to its report, the example's experiment, and services that run already."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.findings import Findings
from lab.own_servers import OwnServers
from lab.own_target import OwnServer
from lab.processes import Supervisor
from tests.lab.test_own import serving
from tests.lab.tree import Tree

pytestmark = pytest.mark.slow

QUICK = ("--budget", "10s")
BUDGET = re.compile(r'budget="\d+s"')


def measured(tree: Tree, file: str, *, experiment: str) -> Findings:
    """The findings of an experiment's file, run to its report at its quickest."""
    done = tree.lab(file, *QUICK)
    assert done.returncode == 0, done.stderr
    run = tree.runs(experiment)[-1]
    assert (run.path / "report.html").exists()
    assert f"report: results/{experiment}/" in done.stdout
    return run.findings


def few_blocks(file: Path, blocks: int) -> str:
    """The text of an experiment's file, which from now on has so few blocks: a test needs no narrow interval."""
    text, found = BUDGET.subn(f'budget="10s", blocks={blocks}', file.read_text())
    assert found == 1
    file.write_text(text)
    return text


def test_init_on_a_stock_django_project_leads_to_a_report(tree: Tree, tmp_path: Path) -> None:
    """`startproject`, `init`, `lab`: of the file only the blocks are fewer, and the line that init prints is typed."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", str(tmp_path)], check=True)
    done = tree.lab("init", str(tmp_path))
    assert done.returncode == 0, done.stderr
    typed = re.search(r"\./noxw -s lab -- (\S+)", done.stdout)
    assert typed
    text = few_blocks(tmp_path / "windtunnel_experiment.py", 2)
    [name] = re.findall(r'name="(.+)"', text)
    found = measured(tree, typed[1], experiment=name)
    assert {(cell.operation, cell.face, cell.state) for cell in found.cells} == {("home", "http", "measured")}
    assert [cell.variant for cell in found.cells] == [(("MY_SWITCH", "off"),), (("MY_SWITCH", "on"),)]
    assert found.target == "booted"


def test_the_example_finds_what_a_join_saves(tree: Tree) -> None:
    """50 statements for the authors of a page cost more than a join; only bytes and time are said to be counted."""
    file = "examples/bookshop/windtunnel_experiment.py"
    few_blocks(tree.path / file, 4)
    found = measured(tree, file, experiment="bookshop")
    [effect] = found.effects
    assert (effect.subject, effect.given, effect.verdict) == ("joined", "joined / lazy", "faster")
    assert effect.typical.high < 0.9
    assert found.proofs[0].answers == 2 * 3 * 3
    assert "Nothing was counted but time and bytes" in found.notes[0]
    assert all(cell.body_bytes and cell.cold is None for cell in found.cells)
    assert dict(found.environment)["Windtunnel"]


@pytest.mark.nightly
def test_services_that_run_already_are_compared_and_keep_their_secrets(tree: Tree, tmp_path: Path) -> None:
    """Blocks are fresh clients alone, which is said first; a header's secret reaches the service and no file."""
    seen = set()

    def answer(asked):
        seen.add(asked.headers["Authorization"])
        # A client that kept it would tell one service what the other one said.
        assert "Cookie" not in asked.headers
        return 200, json.dumps({"things": [1, 2, 3]}).encode()

    with serving(answer) as before, serving(answer) as after:
        file = tmp_path / "mine.py"
        file.write_text(
            "from lab.own import experiment, request, running\n"
            "EXPERIMENT = experiment(\n"
            "    name='services', question='Is after faster?', budget='10s', blocks=2,\n"
            f"    servers=[running({before!r}, name='before'), running({after!r}, name='after')],\n"
            "    operations=[request('things', '/things', headers={'Authorization': 'Bearer sesame'})],\n"
            ")\n"
        )
        found = measured(tree, str(file), experiment="services")
    assert seen == {"Bearer sesame"}
    assert [effect.subject for effect in found.effects] == ["after / before"]
    assert (found.target, found.notes[0].partition(",")[0]) == ("running", "The services ran already")
    run = tree.runs("services")[-1]
    assert [path for path in run.path.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()] == []
    assert "a block is a fresh client alone" in (run.path / "report.html").read_text()
    resumed = tree.lab("--resume", str(run.path))
    assert (resumed.returncode, "is not gone on with" in resumed.stderr) == (2, True)


def test_each_folder_and_environment_is_prepared_by_itself(tmp_path: Path) -> None:
    """Two checkouts with the same command are prepared both, and each environment once for all its servers."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    told = f"{sys.executable} -c \"import os; open('prepared', 'a').write(os.environ['WHICH'])\""
    wanted = [("a", "1"), ("b", "1"), ("b", "2"), ("b", "2")]
    processes = [
        OwnServer(
            name=str(number), command="true", folder=str(tmp_path / folder), prepare=told,
            environment=(("WHICH", which),),
        )
        for number, (folder, which) in enumerate(wanted)
    ]  # fmt: skip
    with Supervisor() as supervisor:
        OwnServers(processes=processes, supervisor=supervisor, logs=tmp_path).prepare()
    assert [(tmp_path / name / "prepared").read_text() for name in ("a", "b")] == ["1", "12"]
