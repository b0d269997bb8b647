"""Real data sets and trained networks, found offline in installed packages."""

from lensmaker.data.antibody_numbering import antibody_numbering
from lensmaker.data.catalogue import DATA_SETS, FIELDS, NETWORKS, trained
from lensmaker.data.darcy_flow import MediaAndFields, Resolution, darcy
from lensmaker.data.dataset import DataSet
from lensmaker.data.digit_networks import mnist_net, svhn_net
from lensmaker.data.digits import digits
from lensmaker.data.fashion_mnist import Split, fashion_mnist
from lensmaker.data.house_numbers import house_numbers
from lensmaker.data.mnist import mnist
from lensmaker.data.mobilenet_v2 import MobileNetV2, mobilenet_v2
from lensmaker.data.photos import photos
from lensmaker.data.speech import speech
from lensmaker.data.trained import TrainedNetwork
from lensmaker.data.trajectories import Trajectories, burgers
from lensmaker.data.voice_encoder import VoiceEncoder, voice_encoder

__all__ = [
    "DATA_SETS",
    "FIELDS",
    "NETWORKS",
    "DataSet",
    "MediaAndFields",
    "MobileNetV2",
    "Resolution",
    "Split",
    "TrainedNetwork",
    "Trajectories",
    "VoiceEncoder",
    "antibody_numbering",
    "burgers",
    "darcy",
    "digits",
    "fashion_mnist",
    "house_numbers",
    "mnist",
    "mnist_net",
    "mobilenet_v2",
    "photos",
    "speech",
    "svhn_net",
    "trained",
    "voice_encoder",
]
