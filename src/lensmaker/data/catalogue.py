"""What there is: every data set, every trained network, and fields that obey a known equation."""

from __future__ import annotations

from lensmaker.core import InputError
from lensmaker.data.antibody_numbering import antibody_numbering
from lensmaker.data.darcy_flow import darcy
from lensmaker.data.digit_networks import mnist_net, svhn_net
from lensmaker.data.digits import digits
from lensmaker.data.fashion_mnist import fashion_mnist
from lensmaker.data.house_numbers import house_numbers
from lensmaker.data.mnist import mnist
from lensmaker.data.mobilenet_v2 import mobilenet_v2
from lensmaker.data.photos import photos
from lensmaker.data.speech import speech
from lensmaker.data.trained import TrainedNetwork
from lensmaker.data.trajectories import burgers
from lensmaker.data.voice_encoder import voice_encoder

DATA_SETS = (digits, mnist, fashion_mnist, photos, house_numbers, speech)
NETWORKS = (mnist_net, svhn_net, mobilenet_v2, antibody_numbering, voice_encoder)
FIELDS = (burgers, darcy)


def trained(name: str) -> TrainedNetwork:
    """The trained network called `name`, for the command line and for tables; code calls its function.

    Raises
    ------
    InputError
        If there is none of that name.
    MissingDataError
        If its package is not installed.

    Examples
    --------
    >>> trained("svhn_net").classes[3]
    '3'
    """
    by_name = {network.__name__: network for network in NETWORKS}
    if name not in by_name:
        raise InputError("a trained network", repr(name), f"choose one of {', '.join(by_name)}")
    return by_name[name]()
