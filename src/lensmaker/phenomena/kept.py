"""Parts of a run as JSON files in a folder that is marked with its plan, found again after an interrupt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lensmaker.core import InputError


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
        if not path.is_dir():
            raise InputError("a folder that exists", f"{path}", f"make {path} first")
        mark, wanted = path / "plan.json", json.loads(json.dumps(asdict(plan)))
        if mark.exists():
            if json.loads(mark.read_text()) != wanted:
                fix = "name another folder, or remove it to start again"
                raise InputError("the folder of this plan", f"{path} of another one", fix)
        else:
            mark.write_text(json.dumps(wanted, indent=1))
        self.path = path

    def of(self, name: str, make: Callable[[], Any]) -> Any:
        """The part called so: from its file, or made and written."""
        file = self.path / f"{name}.json"
        if not file.exists():
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(make()))
            partial.replace(file)
        return json.loads(file.read_text())
