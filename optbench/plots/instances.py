"""Panels of figures that show each instance by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.plots.rows import title

if TYPE_CHECKING:
    import pandas as pd


def instances_of(data: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the data of each instance."""
    return [own for _, own in data.groupby("instance_id", sort=False)]


def name_of(own: pd.DataFrame) -> str:
    """Return the title of the panel of an instance."""
    return title(own["problem"].iloc[0], own["instance"].iloc[0])
