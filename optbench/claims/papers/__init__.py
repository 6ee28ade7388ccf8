"""Theorems as executable checks, one file a paper."""
