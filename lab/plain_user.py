"""Yields the throughput of plain Locust: closed users of an unchanged `FastHttpUser`. It records nothing.

`LAB_TOKEN=... python -m lab.plain_user URL USERS WARM SECONDS` prints requests per second after the warm-up and the
share of a core that it took; it ends 1 when an answer was not as it should be.
"""

# Locust patches the standard library when it is imported: it must come first.
from locust import FastHttpUser, task  # isort: skip

import gc
import json
import os
import sys
import time
from typing import ClassVar
from urllib.parse import urlsplit

from locust.env import Environment

from lab.script import TOKEN_VARIABLE


class PlainUser(FastHttpUser):
    """Asks the same again as soon as it is answered."""

    path: ClassVar[str]
    headers: ClassVar[dict[str, str]]

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get(self.path, headers=self.headers)


def main(url: str, *, users: int, warm: float, seconds: float) -> int:
    """Runs the users for `warm` and then `seconds`, and prints what they did in these.

    Locust has patched `time.sleep`: the users work meanwhile.
    """
    parts = urlsplit(url)
    PlainUser.host = f"{parts.scheme}://{parts.netloc}"
    PlainUser.path = parts._replace(scheme="", netloc="").geturl()
    PlainUser.headers = {"Lab-Token": os.environ.get(TOKEN_VARIABLE, "")}
    environment = Environment(user_classes=[PlainUser], catch_exceptions=False)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    time.sleep(warm)
    gc.collect()
    gc.freeze()
    before, cpu, begun = environment.stats.total.num_requests, time.process_time(), time.monotonic()
    time.sleep(seconds)
    elapsed, spent = time.monotonic() - begun, time.process_time() - cpu
    counted, failed = environment.stats.total.num_requests - before, environment.stats.total.num_failures
    runner.quit()
    sys.stdout.write(json.dumps({"rate": counted / elapsed, "share": spent / elapsed, "failed": failed}) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], users=int(sys.argv[2]), warm=float(sys.argv[3]), seconds=float(sys.argv[4])))
