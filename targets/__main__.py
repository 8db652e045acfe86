"""Runs Django's commands: `python -m targets migrate`; it stands in for manage.py."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")
    execute_from_command_line(["python -m targets", *sys.argv[1:]])
