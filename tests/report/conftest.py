"""Runs that several tests look at."""

import pytest

import convkit


@pytest.fixture(scope="session")
def lesson() -> convkit.Recovery:
    return convkit.learn_kernel(kernel="1,-1", steps=40, lr=0.01, keep_steps=True)


@pytest.fixture(scope="session")
def open_ended() -> convkit.Recovery:
    """Not identifiable."""
    return convkit.learn_kernel(size=3, keep_steps=True)


@pytest.fixture(scope="session")
def noisy() -> convkit.Recovery:
    return convkit.learn_kernel(image="noise", kernel="sobel", noise=0.1, solver="exact")
