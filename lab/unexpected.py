"""Yields one line on an error that nobody foresaw; its traceback goes to a file. It mends nothing."""

import os
import traceback
from pathlib import Path

from lab.server import FOLDER_VARIABLE, TREE


def unexpected(error: Exception) -> tuple[str, str]:
    """What happened, and where the traceback is; people are asked for it when they report."""
    said = (str(error).strip().splitlines() or [""])[0]
    path = Path(os.environ.get(FOLDER_VARIABLE) or TREE / ".lab") / "unexpected.log"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        path = Path(os.devnull)
        traceback.print_exception(error)
    return f"unexpected {type(error).__name__}: {said}", f"it is a fault of the lab's: report it with {path}"
