"""The kernels of a network of infinite width, for all pairs of inputs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from lensmaker.core import INSIDE, InputError, Regime
from lensmaker.systems.networks import Train, record
from lensmaker.theories.kernel_recursion.learning import Parametrisation
from lensmaker.theories.kernel_recursion.reading import Reading, read


@dataclass(frozen=True)
class Kernels:
    """The kernels of one unit of the network's output.

    Attributes
    ----------
    nngp
        K(x, x′) = ⟨f(x) f(x′)⟩ over random weights, (n1, n2).
    ntk
        Θ(x, x′) = Σ_θ ∂f(x)/∂θ ∂f(x′)/∂θ, (n1, n2); None where it was not asked for.
    regime
        Whether the theory's assumptions hold for this network.
    """

    nngp: Tensor
    ntk: Tensor | None
    regime: Regime


@dataclass(frozen=True)
class KernelFunction:
    """A network's laws, ready for any inputs of the size that it was recorded with."""

    reading: Reading
    output: int

    def __call__(self, x1: Tensor, x2: Tensor | None = None, *, ntk: bool = True) -> Kernels:
        """The kernels of all pairs of x1 with x2, or with x1 itself, in the precision of x1."""
        slot = self.reading.slots[self.output]
        found, doubt = self.reading.recursion.matrices(x1, x2, {slot}, ntk)
        reason = self.reading.doubt or doubt
        return Kernels(*found[slot], Regime(reason) if reason else INSIDE)


def kernel_function(
    model: nn.Module, x: Tensor, parametrisation: Parametrisation = Parametrisation.NTK
) -> KernelFunction:
    """The laws of `model`, recorded on the first and the last of the inputs x.

    Raises
    ------
    InputError
        If x is not a tensor of floating-point samples, or an element of the network has no law.
    """
    _check(x)
    weight = next((p for p in model.parameters() if p.is_floating_point()), x)
    train: Train = record(model, x[[0, -1]].to(weight.dtype))
    reading = read(train, parametrisation)
    outputs = [v for v in train.boundary if train.values[v].is_signal]
    if len(outputs) != 1:
        got = f"{len(outputs)} of them"
        raise InputError("one output", got, "wrap the network in a module that returns one tensor")
    (output,) = outputs
    if output in reading.lost:
        fix = "take the part of the network before it, or use lensmaker.inspect"
        raise InputError("a network with a law for each element", reading.lost[output], fix)
    if output not in reading.slots:
        raise InputError("a network with random weights", "none before the output", "add a layer")
    return KernelFunction(reading, output)


def kernels(
    model: nn.Module,
    x1: Tensor,
    x2: Tensor | None = None,
    *,
    ntk: bool = True,
    parametrisation: Parametrisation = Parametrisation.NTK,
) -> Kernels:
    """The NNGP kernel and the neural tangent kernel of a network, its layers taken as infinitely wide.

    K(x, x′) = ⟨f(x) f(x′)⟩ and Θ(x, x′) = ⟨∂f(x)/∂θ · ∂f(x′)/∂θ⟩ for one unit f of the output, over random
    weights of the σ_w and σ_b that the layers of `model` have. An output with positions is averaged over them.

    Parameters
    ----------
    model
        A network of dense layers, convolutions, element-wise activations, sums, average pools; left as it was.
    x1, x2
        Inputs (n, …); x2 None compares x1 with itself. Their precision is that of the result.
    ntk
        False leaves the tangent kernel out.
    parametrisation
        What the tangent kernel differentiates by.

    Raises
    ------
    InputError
        If the inputs are no batch of floats, or an element has no law: attention, normalisation, max pools.
    ModelError
        If the model does not run on them.

    Examples
    --------
    >>> import torch
    >>> layer = nn.Linear(4, 3, bias=False)
    >>> _ = nn.init.constant_(layer.weight, 0.5)  # σ_w² = 4·0.25
    >>> kernels(nn.Sequential(layer, nn.ReLU()), 2 * torch.eye(4)[:2]).nngp.tolist()
    [[0.5, 0.159...], [0.159..., 0.5]]
    """
    if x2 is not None:
        _check(x2)
        if x1.shape[1:] != x2.shape[1:] or x1.dtype != x2.dtype:
            got = f"{tuple(x1.shape)} of {x1.dtype} and {tuple(x2.shape)} of {x2.dtype}"
            raise InputError("two batches of like inputs", got, "give both the same sizes and dtype")
    return kernel_function(model, x1, parametrisation)(x1, x2, ntk=ntk)


def _check(x: Tensor) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.ndim < 2 or len(x) == 0:
        got = f"{tuple(x.shape)} of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise InputError("a tensor of floating-point inputs (n, …)", got, "pass a batch of at least one")
