"""Compare optbench with its peers on the same jobs: ``python -m benchmarks.peers``."""
