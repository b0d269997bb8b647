"""The bits of a tensor, kept to bring them back."""

from __future__ import annotations

import torch


class Bits:
    """A tensor's memory and content at one moment.

    Writes show in a tensor's version counter, which is read a thousand times as fast as its bits, but for those
    through `.data` or NumPy. A tensor whose bits were found changed behind its counter is compared every time.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.memory = tensor.data
        self.content = tensor.detach().clone()
        self._version = version_of(tensor)
        self._counted: bool | None = None
        """Whether the counter has told of all writes until now; None before it was asked."""

    def restore(self, thoroughly: bool) -> None:
        """Bring the content back, in place and where it changed alone; thoroughly: without asking the counter."""
        if moved := not _same_place(self.tensor, self.memory):
            self.tensor.data = self.memory
        silent = not moved and self._version == version_of(self.tensor) != UNCOUNTED
        if thoroughly or not (silent and self._counted):
            same = same_bits(self.tensor, self.content)
            self._counted = self._counted is not False and (same or not silent)
            if not same:
                self.tensor.data.copy_(self.content)
        self._version = version_of(self.tensor)


UNCOUNTED = -1
"""The version of a tensor that was made in `torch.inference_mode`."""


def version_of(tensor: torch.Tensor) -> int:
    """Torch's count of writes into a tensor."""
    return UNCOUNTED if tensor.is_inference() else tensor._version


_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors of one shape agree to the bit: −0 differs from 0, and NaN agrees with itself."""
    a, b = (torch.view_as_real(t) if t.is_complex() else t for t in (a.detach().resolve_conj(), b))
    if a.layout is not torch.strided:
        return False
    if a.is_meta:  # no bits at all
        return True
    integer = _INTEGERS[a.element_size()]
    return torch.equal(a.view(integer), b.view(integer))


def _same_place(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.layout is not torch.strided:
        return True
    return (a.data_ptr(), a.shape, a.stride(), a.dtype) == (b.data_ptr(), b.shape, b.stride(), b.dtype)
