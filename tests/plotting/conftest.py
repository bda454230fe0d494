"""Figures are drawn without a display, and closed after each test."""

import pytest

pytest.importorskip("matplotlib").use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    """Draw every open figure, because some errors occur only then, and close it."""
    import matplotlib.pyplot as plt

    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")
