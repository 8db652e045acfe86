"""Gives the tests of the project the project itself."""

from tests.targets.subject import fresh_cache, project, service_urls, target_client

__all__ = ["fresh_cache", "project", "service_urls", "target_client"]
