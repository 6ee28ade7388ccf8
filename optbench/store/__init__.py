"""Results on disk, addressed by the content they were computed from."""
