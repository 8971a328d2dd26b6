"""The engines, each under the same tests."""

import logging
from collections.abc import Iterator

import pytest

from convkit.engine import Engine, open_engine


@pytest.fixture(scope="package", params=["serial", "one worker", "two workers"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    levels = {name: logging.getLogger(name).level for name in ("distributed", "tornado")}
    engine = open_engine({"serial": None, "one worker": 1, "two workers": 2}[request.param])
    yield engine
    engine.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
