"""Yields the door `python -m lab worker`: this process becomes a worker of a master. It sends nothing itself."""

import os
import sys
from typing import NoReturn

from lab.errors import LabError
from lab.script import WORKER_TOKEN
from lab.server import TREE
from lab.trial import split_address


def become(master: str) -> NoReturn:
    """A worker of the master at `master`, host:port. Raises LabError for what is no address, and without a token."""
    try:
        split_address(master)
    except ValueError as error:
        raise LabError(str(error), hint="give host:port, as in 10.0.0.5:5557") from None
    if not os.environ.get(WORKER_TOKEN):
        raise LabError(f"{WORKER_TOKEN} is not set", hint="the master prints the whole command")
    # Locust must be the first thing that a process imports: a new program takes this one's place.
    sys.stdout.flush()
    os.chdir(TREE)
    os.execv(sys.executable, [sys.executable, "-m", "lab.load_worker", master])
