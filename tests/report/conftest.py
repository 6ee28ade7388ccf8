"""The example comparison, for every test of this folder."""

import pytest
from example_comparison import EXAMPLE


@pytest.fixture
def example():
    return EXAMPLE
