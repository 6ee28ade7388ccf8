"""The asv suite: ``asv run --python=same --quick`` runs it in the current environment.

docs/benchmarking.md says what is tracked and how to compare two commits.
"""
