"""Runs Django's commands: `python -m targets migrate`; it stands in for manage.py."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "targets.config.settings")
    # A command may have to think for long: a migration that builds an index does.
    os.environ.setdefault("DATABASE_TIMEOUT_SECONDS", "0")
    execute_from_command_line(["python -m targets", *sys.argv[1:]])
