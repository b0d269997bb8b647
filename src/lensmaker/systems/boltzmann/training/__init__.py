"""Training: what is learned from data, watched, kept, and taken up again."""

from lensmaker.systems.boltzmann.training.fit import History, Training, fit
from lensmaker.systems.boltzmann.training.learner import Learner, Rule
from lensmaker.systems.boltzmann.training.monitor import Reading
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of
from lensmaker.systems.boltzmann.training.schedule import Schedule

__all__ = ["History", "Learner", "Reading", "Rows", "Rule", "Schedule", "Training", "fit", "rows_of"]
