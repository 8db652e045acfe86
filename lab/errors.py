"""Yields `LabError`, the one error that the lab shows to people. It prints nothing: a `__main__` does, and exits 2."""


class LabError(Exception):
    """What happened, in one line, and what to type or change next."""

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
