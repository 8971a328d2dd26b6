"""Settings, one run, and grids of runs."""

from convkit.experiment.comparison import Comparison
from convkit.experiment.learn import learn_kernel
from convkit.experiment.record import Recovery
from convkit.experiment.run_grid import compare
from convkit.experiment.settings import Experiment

__all__ = ["Comparison", "Experiment", "Recovery", "compare", "learn_kernel"]
