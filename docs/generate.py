"""Bring the lists of columns in these pages and the JSON schema up to date."""

from pathlib import Path

from optbench.report.pages import write

write(Path(__file__).resolve().parents[1])
