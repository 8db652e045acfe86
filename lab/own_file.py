"""Yields the experiment of a file that a user names. It runs that file, and no other."""

import runpy
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.experiment import Experiment

HINT: Final = "docs/your-own-api.md shows the form; to write one: ./noxw -s init -- FOLDER"


def load_file(name: str) -> Experiment:
    """The EXPERIMENT of the file `name`, its folders made absolute.

    Raises LabError, with the file and the line where there is one, for whatever goes wrong in it.
    """
    path = Path(name).resolve()
    if not path.is_file():
        raise LabError(f"there is no file {name}", hint=HINT)
    try:
        found = runpy.run_path(str(path)).get("EXPERIMENT")
    except LabError as error:
        raise LabError(f"{_where(name, path, error)}: {error.what}", hint=error.hint) from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.filename == str(path) else ""
        raise LabError(f"{name}{line}: {error.msg}", hint="mend it, then start again") from error
    # A file of a user's may do anything, and end in any way.
    except (Exception, SystemExit) as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise LabError(f"{_where(name, path, error)}: {type(error).__name__}: {said}", hint=HINT) from error
    if not isinstance(found, Experiment):
        raise LabError(f"{name} has no EXPERIMENT", hint=HINT)
    if found.own is None:
        return found
    servers = tuple(replace(each, folder=str((path.parent / each.folder).resolve())) for each in found.own.servers)
    for server in servers:
        if server.command and not Path(server.folder).is_dir():
            raise LabError(f"{name}: there is no folder {server.folder}", hint="mend folder= of its boot(...)")
    return replace(found, own=replace(found.own, servers=servers))


def _where(name: str, path: Path, error: BaseException) -> str:
    """The file and the line in it from which the error came."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{name}, line {lines[-1]}" if lines else name
