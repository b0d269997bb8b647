"""Types at run time: the functions and methods of the package are checked whenever they are called in a test.

Import hooks that decorate by the source also decorate what is defined inside of a function, again at each of its
calls, which takes longer than most tests; here each module is decorated once, when it has been imported.
"""

from __future__ import annotations

import functools
import importlib.machinery
import sys
import types
import typing
from collections.abc import Sequence
from typing import Any

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""An int passes as a float, as in PEP 484."""


class CheckedImports:
    """A finder that hands out the modules of a package with all their functions and classes checked."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module of the package, whose loader checks it."""
        if name != self.package and not name.startswith(self.package + "."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                execute(module)
                _check(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install(package: str) -> None:
    """Check what is imported of a package from now on."""
    sys.meta_path.insert(0, CheckedImports(package))


def _check(module: types.ModuleType) -> None:
    for name, item in list(vars(module).items()):
        if getattr(item, "__module__", None) != module.__name__:
            continue
        if isinstance(item, types.FunctionType):
            setattr(module, name, _checked(item))
        elif isinstance(item, type):
            for attribute, member in list(vars(item).items()):
                if isinstance(member, types.FunctionType):
                    setattr(item, attribute, _checked(member))
                elif isinstance(member, classmethod | staticmethod):
                    setattr(item, attribute, type(member)(_checked(member.__func__)))
                elif isinstance(member, property):
                    setattr(
                        item,
                        attribute,
                        property(_checked(member.fget), member.fset, member.fdel, member.__doc__),
                    )
                elif isinstance(member, functools.cached_property):
                    member.func = _checked(member.func)


def _checked(function: Any) -> Any:
    try:
        typing.get_type_hints(function)
    except NameError:  # of a name that is imported for readers of types alone
        return function
    return checked(function)
