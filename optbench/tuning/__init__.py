"""The learning-rate search: which rates are tried, what makes one better, how the best is found."""
