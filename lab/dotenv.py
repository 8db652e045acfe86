"""Yields the settings of the checkout's `.env`, read as the Django project reads them. The environment wins over it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lab.errors import LabError

# django-environ imports Django, which the lab never loads: a child reads the file, and only where there is one.
READ: Final = """
import environ, json, sys
environ.Env.ENVIRON = {}
environ.Env.read_env(sys.argv[1])
json.dump(environ.Env.ENVIRON, sys.stdout)
"""


def with_dotenv(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` and what `path` adds to it; a missing file adds nothing. Raises LabError when it cannot be read."""
    if not path.is_file():
        return dict(environment)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    # A file that cannot be opened, or a line that cannot be read, is only logged there.
    if done.returncode or done.stderr:
        raise LabError(f"{path} cannot be read as settings", hint="write a NAME=value per line, as in .env.example")
    return {**json.loads(done.stdout), **environment}
