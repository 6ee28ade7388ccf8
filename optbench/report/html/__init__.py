"""A comparison as one HTML file that needs nothing else: no network, no other file."""

from optbench.report.html.page import render_html

__all__ = ["render_html"]
