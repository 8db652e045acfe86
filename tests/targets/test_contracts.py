"""The contracts of both faces are kept with the code, and say what it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ, "DATABASE_URL": "postgresql:///windtunnel_unset", "CACHE_URL": "", "TARGET_LAB_TOKEN": "",
    "SECRET_KEY": "".join(map(chr, range(48, 122))), "TARGET_VARIANT": "", "DEBUG": "0",
}  # fmt: skip

CONTRACTS = {
    "docs/api/openapi.yaml": ["spectacular", "--validate", "--fail-on-warn", "--file"],
    "docs/api/schema.graphql": ["graphql_schema", "--schema", "targets.config.schema.schema", "--out"],
}


@pytest.mark.parametrize("path", CONTRACTS)
def test_a_contract_is_what_the_code_does(path: str, tmp_path: Path):
    """A change of either face shows in the file that is kept; after one: python -m targets, with these words."""
    made = tmp_path / Path(path).name
    command = [sys.executable, "-m", "targets", *CONTRACTS[path], str(made)]
    done = subprocess.run(command, cwd=TREE, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    hint = f"python -m targets {' '.join(CONTRACTS[path])} {path}"
    assert (TREE / path).read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), hint


def test_a_deployment_is_checked_clean():
    """Django's own check of what production needs finds nothing, given HTTPS and secrets."""
    command = [sys.executable, "-m", "targets", "check", "--deploy", "--fail-level", "WARNING"]
    environment = {**ENVIRONMENT, "HTTPS": "on"}
    done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (1 silenced)."), done.stderr


def test_a_deployment_with_a_token_of_the_lab_is_refused():
    """Whatever else is right: a server that others reach has no lab mode. It is an error, so it needs no fail level."""
    command = [sys.executable, "-m", "targets", "check", "--deploy"]
    environment = {**ENVIRONMENT, "HTTPS": "on", "TARGET_LAB_TOKEN": "t" * 43}
    done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "windtunnel.E001" in done.stderr
    assert "t" * 43 not in done.stderr
    without = subprocess.run(command[:-1], cwd=TREE, env=environment, capture_output=True, text=True, check=False)
    assert without.returncode == 0, "the lab's own servers are no deployment"
