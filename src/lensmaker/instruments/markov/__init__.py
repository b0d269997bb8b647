"""What samples say of causes and effects."""

from lensmaker.instruments.markov.kept_information import KeptInformation

__all__ = ["KeptInformation"]
