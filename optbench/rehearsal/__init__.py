"""Optimizers as plain Python on a small problem, without compiling: what checks, and the host
before a run, learn of them."""
