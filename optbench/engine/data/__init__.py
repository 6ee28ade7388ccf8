"""How data lies in memory, and its products with the runs."""
