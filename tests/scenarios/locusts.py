"""Yields Locust on a locustfile of this tree, as a user types it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS_TO_FAIL = 60

Done = subprocess.CompletedProcess[str]


def locust(url: str, *options: str, file: str = "browsing", **settings: str) -> Done:
    """`locust -f scenarios/<file>.py`; its statistics are JSON in `stdout`."""
    return subprocess.run(
        [Path(sys.executable).with_name("locust"), "-f", f"scenarios/{file}.py", "--headless", "--json", "--host", url,
         *options],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **settings}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=SECONDS_TO_FAIL,
    )  # fmt: skip


def locust_at_once(*calls: tuple[str, tuple[str, ...], dict[str, str]], file: str = "browsing") -> list[Done]:
    """`locust` with each URL, options and settings, all at the same time."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda call: locust(call[0], *call[1], file=file, **call[2]), calls))


def counts(done: Done) -> dict[str, tuple[int, int]]:
    """Requests and failures by name."""
    return {each["name"]: (each["num_requests"], each["num_failures"]) for each in json.loads(done.stdout)}
