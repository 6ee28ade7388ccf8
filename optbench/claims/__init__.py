"""The literature as executable claims: one file per paper, found by path like plug-ins."""
