"""Parts of a run as files in a folder that is marked with its plan, found again after an interrupt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lensmaker.phenomena.folder import mark, put, taken


class KeptPlan:
    """Where the parts of a plan are kept.

    Parameters
    ----------
    path
        A folder; it is marked with the plan.
    plan
        A dataclass of numbers and names.

    Raises
    ------
    InputError
        If the folder is missing, or holds another plan.
    """

    def __init__(self, path: Path, plan: Any) -> None:
        mark(path, plan)
        self.path = path

    def of(self, name: str, make: Callable[[], Any]) -> Any:
        """The part called so: from its file, or made and written.

        Raises
        ------
        InputError
            If the file is damaged, or cannot be written.
        """
        file = self.path / f"{name}.json"
        if not file.exists():
            put(file, make())
        return taken(file)
