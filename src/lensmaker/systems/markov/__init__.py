"""Chains of causes and effects with few letters, and hierarchies that are generated level by level."""

from lensmaker.systems.markov.chain import MarkovChain, with_irrelevance
from lensmaker.systems.markov.random_hierarchy import RandomHierarchy
from lensmaker.systems.markov.statistic import Seen, Statistic, truncated

__all__ = ["MarkovChain", "RandomHierarchy", "Seen", "Statistic", "truncated", "with_irrelevance"]
