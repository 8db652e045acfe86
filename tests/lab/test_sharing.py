"""On a server that others use too, a run owns its databases alone and leaves none of its keys behind."""

from contextlib import closing

import pytest
import redis

from lab.errors import LabError
from lab.postgres import claimed
from lab.valkey import forget


@pytest.mark.given_servers
def test_two_runs_never_share_the_databases(postgres_url: str) -> None:
    """While one run owns the lab's databases on a server a second is refused; afterwards it may begin."""
    with claimed(postgres_url), pytest.raises(LabError, match="another lab run"), claimed(postgres_url):
        pass
    with claimed(postgres_url):
        pass


@pytest.mark.given_servers
def test_a_run_forgets_its_own_keys_alone(cache_url: str) -> None:
    """Keys of the run's prefix go; a neighbour's stay."""
    with closing(redis.Redis.from_url(cache_url)) as client:
        client.mset({"windtunnel_test:mine:1": "a", "windtunnel_test:mine:2": "b", "windtunnel_test:theirs": "c"})
        forget(cache_url, prefix="windtunnel_test:mine:")
        assert sorted(client.scan_iter(match="windtunnel_test:*")) == [b"windtunnel_test:theirs"]
        client.delete("windtunnel_test:theirs")
