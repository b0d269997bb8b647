"""The names of operations: which canonical operation a torch function is, and which family it is of."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any


class Family(Enum):
    """What an operation does to a signal."""

    LINEAR = "a weight matrix or kernel mixes the units"
    ACTIVATION = "a function of each unit alone"
    NORMALISATION = "statistics of the signal are divided out"
    MERGE = "signals, or a signal and constants, are combined unit by unit"
    ATTENTION = "signals are contracted with signals"
    POOLING = "positions are combined"
    DROPOUT = "units are dropped at random"
    RECURRENT = "a whole recurrent layer in one call"
    LOSS = "a loss is computed"
    STRUCTURE = "the signal is only rearranged"
    OTHER = "an operation without a name here"


_CANONICAL: dict[Family, str] = {
    Family.LINEAR: "linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d "
    "embedding embedding_bag addmm",
    Family.ACTIVATION: "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish softplus softsign "
    "tanh sigmoid logsigmoid hardtanh hardswish hardsigmoid hardshrink softshrink tanhshrink threshold erf "
    "sin cos exp log log1p sqrt rsqrt square abs neg pow reciprocal clamp clamp_min clamp_max sign floor "
    "glu softmax log_softmax softmin gumbel_softmax",
    Family.NORMALISATION: "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm "
    "normalize",
    Family.MERGE: "add sub rsub mul div cat stack where maximum minimum addcmul addcdiv lerp masked_fill "
    "outer",
    Family.ATTENTION: "scaled_dot_product_attention matmul bmm baddbmm mm einsum",
    Family.POOLING: "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
    "mean sum amax amin max min var std norm interpolate upsample lp_pool2d cumsum prod logsumexp",
    Family.DROPOUT: "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout",
    Family.RECURRENT: "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
    Family.LOSS: "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div cosine_embedding_loss ctc_loss hinge_embedding_loss "
    "margin_ranking_loss multi_margin_loss poisson_nll_loss triplet_margin_loss gaussian_nll_loss "
    "soft_margin_loss multilabel_soft_margin_loss",
    Family.STRUCTURE: "view reshape view_as reshape_as permute transpose swapaxes t T mT H movedim flatten "
    "unflatten squeeze unsqueeze expand expand_as repeat tile getitem setitem chunk split tensor_split "
    "split_with_sizes unbind narrow select index_select gather take_along_dim contiguous clone detach data "
    "to float double half bfloat16 type type_as cpu cuda alias roll flip pad unfold fold pixel_shuffle "
    "pixel_unshuffle channel_shuffle broadcast_to as_strided requires_grad_ real diagonal "
    "pack_padded_sequence _pack_padded_sequence pad_packed_sequence _pad_packed_sequence "
    "scatter scatter_add index_add index_put copy fill zero tril triu hsplit vsplit dsplit atleast_2d",
}
_FAMILY = {name: family for family, names in _CANONICAL.items() for name in names.split()}

_SPELLINGS = {
    "concat": "cat",
    "concatenate": "cat",
    "hstack": "cat",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
    "clip": "clamp",
    "special_erf": "erf",
    "special_expit": "sigmoid",
    "expit": "sigmoid",
    "log_sigmoid": "logsigmoid",
    "swapdims": "transpose",
    "moveaxis": "movedim",
    "dropout_": "dropout",
    "_softmax": "softmax",
    "masked_fill_": "masked_fill",
    "feature_dropout": "dropout2d",
    "_scaled_dot_product_attention_math": "scaled_dot_product_attention",
    "max_pool2d_with_indices": "max_pool2d",
    "_max_pool1d": "max_pool1d",
    "_max_pool2d": "max_pool2d",
    "_max_pool3d": "max_pool3d",
    "_adaptive_max_pool2d": "adaptive_max_pool2d",
    "_threshold": "threshold",
}

_SETS = {
    "questions": "__bool__ __contains__ __float__ __index__ __int__ __len__ backward data_ptr device dim "
    "dtype element_size get_device grad grad_fn is_complex is_contiguous is_cuda is_floating_point is_leaf "
    "is_sparse item layout ndim ndimension nelement numel register_hook requires_grad retain_grad shape size "
    "storage_offset stride tolist untyped_storage",
    "shape readers": "zeros_like ones_like full_like empty_like rand_like randn_like randint_like new_zeros "
    "new_ones new_full new_empty",
    "likes": "type_as view_as reshape_as expand_as to",
    "writers": "setitem index_put scatter scatter_add index_add copy masked_scatter",
}
QUESTIONS = frozenset(_SETS["questions"].split())
"""Operations that bring no tensor about."""
SHAPE_READERS = frozenset(_SETS["shape readers"].split())
"""Operations that take from their input its shape alone."""
LIKES = frozenset(_SETS["likes"].split())
"""Operations that take from every input but the first its shape or type alone."""
WRITERS = frozenset(_SETS["writers"].split())
"""Operations that put one tensor into another: a merge where both carry a signal or parameters."""

CHANNELS_FIRST = (
    "conv",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "max_pool",
    "avg_pool",
    "adaptive",
    "interpol",
)
"""How the names of operations begin that have channels on axis 1."""

ELEMENTWISE_ACTIVATIONS = frozenset(
    name
    for name in _CANONICAL[Family.ACTIVATION].split()
    if name not in {"glu", "softmax", "log_softmax", "softmin", "gumbel_softmax"}
)

NONLINEARITIES = ELEMENTWISE_ACTIVATIONS - frozenset(
    ["exp", "log", "log1p", "sqrt", "rsqrt", "square", "abs", "neg", "pow", "reciprocal", "sign", "floor"]
)
"""Element-wise functions that networks use as activations, without those that formulas are made of."""

HOMOGENEOUS = frozenset(["relu", "leaky_relu", "prelu", "rrelu", "abs", "dropout"])
"""Activations with φ(kx) = kφ(x) for k > 0, through which the scale of a weight passes."""


def canonical_name(function: Callable[..., Any]) -> str:
    """The canonical name of a torch function, whichever of its spellings was called.

    Examples
    --------
    >>> import torch
    >>> canonical_name(torch.Tensor.relu_), canonical_name(torch.Tensor.__iadd__)
    ('relu', 'add')
    """
    name: str = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":  # a tensor property such as x.T: the name stands on the getset descriptor
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        reflected = {
            "radd": "add",
            "rsub": "rsub",
            "rmul": "mul",
            "rtruediv": "div",
            "rdiv": "div",
            "rpow": "pow",
        }
        inplace = {
            "iadd": "add",
            "isub": "sub",
            "imul": "mul",
            "itruediv": "div",
            "idiv": "div",
            "ipow": "pow",
        }
        name = reflected.get(name) or inplace.get(name) or {"rmatmul": "matmul"}.get(name, name)
    if name not in _FAMILY and name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return _SPELLINGS.get(name, name)


def family_of(operation: str) -> Family:
    """The family of a canonical operation name; `Family.OTHER` for an unknown one.

    Examples
    --------
    >>> family_of("conv2d").name, family_of("fft_rfft").name
    ('LINEAR', 'OTHER')
    """
    return _FAMILY.get(operation, Family.OTHER)
