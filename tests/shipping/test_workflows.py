"""The workflows: what each may do, what it cannot be talked into, how it decides; their scripts are run as they are.

No runner is here, so what a script calls (nox, gh, docker) is a program that writes down how it was called.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.shipping.built import ROOT
from tests.shipping.workflows import NAMES, run, script, steps, workflow

RIGHTS = {
    "ci": {"contents": "read"},
    "gate": {"contents": "read", "pull-requests": "write"},
    "nightly": {"contents": "read", "actions": "read", "pages": "write", "id-token": "write"},
    "release": {"contents": "read", "packages": "write"},
}
"""The most that any job of a workflow may do."""


def test_there_are_four():
    """Each has its table of rights here."""
    assert set(NAMES) == set(RIGHTS)


@pytest.mark.parametrize("name", NAMES)
def test_jobs_have_the_rights_that_they_need_and_an_end(name: str):
    """None by default, each job its own; and nothing runs for ever, or twice at once for one branch."""
    told = workflow(name)
    assert told["permissions"] == {}
    assert told["concurrency"]["group"]
    for job, each in told["jobs"].items():
        assert each["timeout-minutes"] <= 360, job
        for right, level in each["permissions"].items():
            assert level in {"read", RIGHTS[name][right]}, f"{job} may {level} {right}"
    given: dict[str, str] = {}
    for each in told["jobs"].values():
        for right, level in each["permissions"].items():
            given[right] = "write" if "write" in {level, given.get(right)} else level
    assert given == RIGHTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_commits_and_keep_no_credentials(name: str):
    """An action is named by its commit, with its release beside it; a checkout leaves no token in the folder."""
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^\s*-? ?uses: (.*)$", text, re.MULTILINE)
    assert len(lines) == sum("uses" in step for _, step in steps(name)) > 0
    assert [line for line in lines if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    for _, step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_one_action_has_one_commit():
    """All workflows use the same release of an action."""
    used: dict[str, set[str]] = {}
    for name in NAMES:
        for _, step in steps(name):
            if action := step.get("uses"):
                used.setdefault(action.partition("@")[0], set()).add(action.partition("@")[2])
    assert {action: commits for action, commits in used.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("name", NAMES)
def test_scripts_take_what_others_wrote_from_the_environment(name: str):
    """No expression stands in a script: the name of a branch is a text there, and never a program."""
    assert [step.get("name") for _, step in steps(name) if "${{" in step.get("run", "")] == []


def test_ci_tries_every_version_that_is_supported():
    """Python 3.11 to 3.13 with Django 5.2, and Django 6.1 on those that it runs on."""
    matrix = workflow("ci")["jobs"]["tests"]["strategy"]["matrix"]["include"]
    tried = {(each["python"], each["django"]) for each in matrix}
    assert tried == {("3.11", "5.2"), ("3.12", "5.2"), ("3.13", "5.2"), ("3.12", "6.1"), ("3.13", "6.1")}
    assert {each["session"] for each in matrix if each["django"] == "6.1"} == {"compat"}


GATE = """
codes=($CODES)
for word in "$@"; do [[ $word != gate/summary.md ]] || echo "a verdict" > gate/summary.md; done
exit "${codes[$(($(grep -c . "$HOME/calls") - 1))]}"
"""


@pytest.mark.parametrize(
    ("codes", "code", "budgets", "told"),
    [
        ("0", 0, ["120s"], None),
        ("1", 1, ["120s"], None),
        ("2", 2, ["120s"], None),
        ("3 0", 0, ["120s", "240s"], "::notice"),
        ("3 1", 1, ["120s", "240s"], "::notice"),
        ("3 2", 2, ["120s", "240s"], "::notice"),
        ("3 3", 0, ["120s", "240s"], "::warning"),
    ],
)
def test_an_unclear_gate_is_tried_once_more(
    tmp_path: Path, codes: str, code: int, budgets: list[str], told: str | None
):
    """Unclear once: again, for twice as long. Unclear twice: green, with a warning. Anything else is what it is."""
    ended = run(
        script("gate", "Gate"), folder=tmp_path, programs={"./noxw": GATE}, environment={"CODES": codes, "HEAD": "abc"}
    )
    assert ended.code == code
    assert [re.findall(r"--budget (\S+)", call) for call in ended.calls] == [[budget] for budget in budgets]
    assert all("--base HEAD --head abc" in call for call in ended.calls)
    assert ("::warning" in ended.said) == (told == "::warning")
    assert ("::notice" in ended.said) == (told is not None)


def test_the_comment_is_written_by_a_job_that_runs_nothing_of_the_change():
    """It checks nothing out, is for pull requests of the repository itself, and may write to them alone."""
    job = workflow("gate")["jobs"]["comment"]
    assert [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step] == ["actions/download-artifact"]
    assert job["permissions"] == {"pull-requests": "write"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert "pull-requests" not in workflow("gate")["jobs"]["gate"]["permissions"]
    assert "pull_request_target" not in workflow("gate")["on"]


GH = """
for word in "$@"; do [[ $word != --paginate ]] || { printf '%s' "$IDS"; exit; }; done
for word in "$@"; do [[ $word != body=@* ]] || cp "${word#body=@}" "$HOME/written"; done
"""


@pytest.mark.parametrize(("ids", "method"), [("", "POST"), ("7\n9\n", "PATCH")])
@pytest.mark.parametrize("summary", ["base against head: passes", ""])
def test_the_comment_is_kept_up_to_date(tmp_path: Path, ids: str, method: str, summary: str):
    """The first time it is written, then it is changed; without a summary it says how the gate ended."""
    (tmp_path / "found" / "gate").mkdir(parents=True)
    (tmp_path / "found" / "gate" / "summary.md").write_text(summary)
    ended = run(
        script("gate", "Write the comment, or write it anew"), folder=tmp_path, programs={"gh": GH},
        environment={
            "IDS": ids, "GITHUB_REPOSITORY": "a/b", "NUMBER": "5", "RESULT": "failure", "RUN": "https://run",
        },
    )  # fmt: skip
    assert ended.code == 0, ended.said
    asked, wrote = ended.calls
    assert "repos/a/b/issues/5/comments" in asked
    place = "repos/a/b/issues/comments/7" if ids else "repos/a/b/issues/5/comments"
    assert wrote == f"gh api --method {method} {place} --field body=@comment.md --silent"
    mark, *lines = (tmp_path / "written").read_text().splitlines()
    assert mark == "<!-- windtunnel: gate -->"
    assert lines[0] == (summary or "The gate ended without a verdict (failure).")
    assert lines[-1] == "[This run](https://run) has the report."


def wanted_secrets() -> dict[str, str]:
    """What a deployment needs, as its first step asks for it."""
    [step] = [each for _, each in steps("release") if each.get("name") == "Is every secret there?"]
    return dict.fromkeys(step["env"], "given")


def test_a_deployment_with_all_its_secrets_goes_on(tmp_path: Path):
    """The step that asks for them says nothing."""
    text = script("release", "Is every secret there?")
    ended = run(text, folder=tmp_path, programs={}, environment=wanted_secrets())
    assert (ended.code, ended.said) == (0, "")


@pytest.mark.parametrize("name", wanted_secrets())
def test_a_missing_secret_is_named_before_anything_is_done(tmp_path: Path, name: str):
    """It fails with one line that names what is missing, and nothing else was done by then."""
    text = script("release", "Is every secret there?")
    ended = run(text, folder=tmp_path, programs={}, environment={**wanted_secrets(), name: ""})
    assert ended.code == 1
    assert f"lacks {name} " in ended.said
    first, *_ = workflow("release")["jobs"]["deploy"]["steps"]
    assert first["name"] == "Is every secret there?"


def test_what_is_deployed_is_what_was_scanned(tmp_path: Path):
    """The image is built once, scanned, pushed, and from then on named by its digest."""
    names = [step.get("name") for job, step in steps("release") if job == "build"]
    assert names == [None, "Build", "Scan", "Push"]
    # A login reads its password: who writes it into a closed pipe is ended by that.
    docker = (
        'case "$1 $2" in "login ghcr.io") cat > /dev/null;; "inspect --format") echo "ghcr.io/a/b@sha256:f00";; esac'
    )
    ended = run(
        script("release", "Push"), folder=tmp_path, programs={"docker": docker},
        environment={
            "IMAGE": "ghcr.io/A/b", "GITHUB_REF_NAME": "v1", "GITHUB_ACTOR": "x", "TOKEN": "t",
            "GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        },
    )  # fmt: skip
    assert ended.code == 0, ended.said
    assert (tmp_path / "output").read_text() == "digest=ghcr.io/a/b@sha256:f00\n"
    assert "docker tag scanned:local ghcr.io/a/b:v1" in ended.calls
    told: dict[str, Any] = workflow("release")["jobs"]["deploy"]
    assert told["needs"] == "build"
    assert told["environment"] == "production"
    assert "TOKEN" not in "".join(ended.calls)


def test_the_night_measures_every_experiment_and_is_red_where_one_failed(tmp_path: Path):
    """One that cannot be measured stops no other; which it was is said at the end."""
    (tmp_path / ".nox" / "lab" / "bin").mkdir(parents=True)
    noxw = 'for word in "$@"; do [[ $word != b ]] || exit 2; done'
    text = script("nightly", "Measure")
    names = "echo a b writes"
    ended = run(
        text, folder=tmp_path, environment={}, programs={"./noxw": noxw, "./.nox/lab/bin/python": names}
    )  # fmt: skip
    assert ended.code == 1
    assert "::error title=Not measured::b\n" in ended.said
    measured = [call for call in ended.calls if call.startswith("noxw -s lab")]
    asked = ("a --dataset large", "b --dataset large", "writes --dataset small")
    assert measured == [f"noxw -s lab -- {each} --history history" for each in asked]


def test_the_site_has_a_page_for_each_report(tmp_path: Path):
    """Whatever was measured is linked; without a history there is none."""
    for experiment in ("toggles", "writes"):
        page = tmp_path / "results" / experiment / "2026-11-27T00-00-00" / "report.html"
        page.parent.mkdir(parents=True)
        page.write_text(experiment)
    text = script("nightly", "Gather the site")
    ended = run(text, folder=tmp_path, programs={}, environment={"GITHUB_SHA": "c0ffee"})
    assert ended.code == 0, ended.said
    index = (tmp_path / "site" / "index.html").read_text()
    assert re.findall(r'href="([^"]+)"', index) == ["toggles.html", "writes.html"]
    assert (tmp_path / "site" / "writes.html").read_text() == "writes"
    assert "c0ffee" in index
    nothing = run(text, folder=tmp_path / "site", programs={}, environment={"GITHUB_SHA": "c0ffee"})
    assert nothing.code == 0
    assert not (tmp_path / "site" / "site").exists()
