"""Are compiled Hamiltonians the Bayes classifier, and how many examples do they save a training?"""

from lensmaker.phenomena.bayes_classifier.phenomenon import BayesClassifier
from lensmaker.phenomena.bayes_classifier.plan import Plan, Start, Task

__all__ = ["BayesClassifier", "Plan", "Start", "Task"]
