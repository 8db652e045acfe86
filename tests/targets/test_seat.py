"""The developer's seat is there where TARGET_SEAT and DEBUG are on, and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from targets.seat.knobs import COOKIE
from tests.targets.subject import TargetClient, get

TREE = Path(__file__).parents[2]
ADDRESSES = ("/", "/graphiql", "/swagger", "/openapi", "/admin/", "/seat/knobs", "/seat/introspection", "/__debug__/")
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "SECRET_KEY": "s3cret-" * 8, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "CACHE_URL": "", "HTTPS": "on",
}  # fmt: skip
FOUND = """
from django.conf import settings
print(*[name for name in (*settings.INSTALLED_APPS, *settings.MIDDLEWARE) if 'seat' in name or 'toolbar' in name])
"""


def targets(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m targets WORDS`."""
    return subprocess.run(
        [sys.executable, "-m", "targets", *words], cwd=TREE, env={**ENVIRONMENT, **environment}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
def test_its_addresses_lead_nowhere(project: None, path: str):
    """Without it they are addresses like any that do not exist."""
    assert Client().get(path, headers={"Accept": "text/html"}).status_code == 404


def test_a_browser_gets_json(project: None):
    """Without it REST has no pages."""
    answer = Client().get("/api/products/1/", headers={"Accept": "text/html,*/*"})
    assert answer.headers["Content-Type"] == "application/json"


def test_its_cookie_changes_nothing(target_client: TargetClient):
    """Without it a cookie sets no knob, also in lab mode."""
    sent = {"Cookie": f"{COOKIE}=indexes=off"}
    status, body = target_client(get("/identity"), headers=sent)
    assert status == 200
    assert b"indexes=on" in body


def test_nothing_of_it_is_installed():
    """Neither here nor with DEBUG alone, in whichever way."""
    assert not settings.SEAT
    for debug in ("on", "off"):
        done = targets("shell", "-v0", "-c", FOUND, DEBUG=debug)
        assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    seat = targets("shell", "-v0", "-c", FOUND, DEBUG="on", TARGET_SEAT="on")
    assert "targets.seat.knobs.KnobsMiddleware" in seat.stdout


def test_it_needs_debug():
    """The project does not start with the one and not the other."""
    done = targets("check", DEBUG="off", TARGET_SEAT="on")
    assert done.returncode == 1
    assert "TARGET_SEAT is on, which needs DEBUG on" in done.stderr


def test_a_deployment_with_it_is_refused():
    """It is an error, so it needs no fail level; without `--deploy` its own checks find nothing."""
    done = targets("check", "--deploy", DEBUG="on", TARGET_SEAT="on")
    assert done.returncode == 1
    assert "windtunnel.E002" in done.stderr
    plain = targets("check", "--fail-level", "WARNING", DEBUG="on", TARGET_SEAT="on")
    assert plain.returncode == 0, plain.stderr
