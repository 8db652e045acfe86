"""Yields a running truth server and ends it. It knows no mode: the words go to `server.py` as they are."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("server.py")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A truth server that listens."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def truth_server(*words: object) -> Iterator[Truth]:
    """`python server.py WORDS`; at the end it gets SIGTERM and is waited for, so that its log is complete."""
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the truth server ended with code {process.wait()}: {words}"
            yield Truth(**json.loads(line))
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
