"""Functions that are recorded other than as they were called: composites, and what runs under autocast."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F


def _opened(function: Any) -> types.FunctionType:
    """The same Python function, whose own dispatch to `__torch_function__` is switched off."""
    namespace = {**function.__globals__}
    for name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):
        namespace[name] = lambda *tensors: False
    copy = types.FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


@dataclass(frozen=True)
class _Autocast:
    """A function that casts as it did when it was recorded."""

    function: Callable[..., Any]
    device: str
    dtype: torch.dtype

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(self.device, self.dtype, cache_enabled=False):
            return self.function(*args, **kwargs)


def in_autocast(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function bound to the mixed precision it is called in, the function itself outside of any."""
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            return _Autocast(function, device, torch.get_autocast_dtype(device))
    return function


OPENED: dict[Any, Callable[..., Any]] = {
    F.multi_head_attention_forward: _opened(F.multi_head_attention_forward)
}
"""Composite → the function that shows what is inside."""
