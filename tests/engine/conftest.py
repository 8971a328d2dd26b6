"""The engines, each under the same tests."""

from collections.abc import Iterator

import pytest

from convkit.engine import Engine, open_engine


@pytest.fixture(scope="package", params=["serial", "one worker", "two workers"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = open_engine({"serial": None, "one worker": 1, "two workers": 2}[request.param])
    yield engine
    engine.close()
