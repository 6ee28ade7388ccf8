"""The asv suite: ``asv run --python=same --quick`` runs it in the current environment."""
