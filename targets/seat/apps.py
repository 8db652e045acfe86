"""Yields the configuration of the developer's seat: no model, no part of either face."""

from django.apps import AppConfig


class SeatConfig(AppConfig):
    """What a developer looks at the API with; installed where TARGET_SEAT is on alone."""

    name = "targets.seat"
    label = "seat"
