"""What makes a run the run it is: its settings in one form, and a short name for them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from convkit.experiment.settings import Experiment

RUN_SCHEMA = "convkit.run/1"
# Settings that take arrays as well as text.
INPUTS = ("image", "kernel", "target", "expect")


def canonical(experiment: Experiment) -> dict[str, Any]:
    """Return every setting as JSON values, those left to their defaults included; a backend left open stays null.

    Large arrays are told by their contents, files by their names: what is in a file may change under its name.

    Examples
    --------
    >>> settings = canonical(Experiment(noise=1, size=3))
    >>> settings["noise"], settings["size"], settings["kernel"], settings["backend"]
    (1.0, [3, 3], '1,-1', None)
    """
    settings = experiment.settled().resolved()
    settings["backend"] = None if experiment.backend is None else str(experiment.backend)
    for name in INPUTS:
        value = getattr(experiment, name)
        if isinstance(value, np.ndarray) and isinstance(settings[name], str):
            digest = hashlib.sha256(value.tobytes()).hexdigest()[:16]
            settings[name] += f" sha256:{digest}"
    return settings


def run_key(settings: Mapping[str, Any]) -> str:
    """Return a hash of canonical settings and the schema of what is recorded.

    Twenty hexadecimal digits: among a million runs, two share one with a probability of 10⁻¹³.

    Examples
    --------
    >>> run_key({"seed": 1, "noise": 0.0}) == run_key({"noise": 0.0, "seed": 1})
    True
    """
    text = json.dumps([RUN_SCHEMA, settings], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]
