"""Yields the configuration of what both faces share: no model, but checks of a deployment."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from targets.web.checks import check_lab_token, check_seat


class WebConfig(AppConfig):
    """What both faces share."""

    name = "targets.web"
    label = "web"

    def ready(self) -> None:
        register(check_lab_token, Tags.security, deploy=True)
        register(check_seat, Tags.security, deploy=True)
