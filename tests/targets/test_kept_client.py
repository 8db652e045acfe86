"""Redis is asked by one client for each server, which all calls and threads share."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from django.core.cache import caches

from targets.web.kept_client import KeptClient, KeptRedisCache


@pytest.mark.usefixtures("project")
def test_the_projects_cache_keeps_its_client():
    """Whoever asks, and however often."""
    client = cast(KeptRedisCache, caches["default"])._cache
    assert isinstance(client, KeptClient)
    first = client.get_client()
    with ThreadPoolExecutor(4) as pool:
        assert {id(each) for each in pool.map(lambda _: client.get_client(write=True), range(20))} == {id(first)}


def test_each_server_has_a_client_of_its_own():
    """Writes go to the first one, reads to the others, as Django has it; no connection is made by asking for one."""
    client = KeptClient(["redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:3"])
    writers = {id(client.get_client(write=True)) for _ in range(20)}
    readers = {id(client.get_client()) for _ in range(200)}
    assert (len(writers), len(readers)) == (1, 2)
    assert writers & readers == set()
    ports = [client.get_client(write=True).connection_pool.connection_kwargs["port"] for _ in range(2)]
    assert ports == [1, 1]
