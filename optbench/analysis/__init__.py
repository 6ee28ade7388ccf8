"""From traces and references to verdicts: selection (implicit bias), rates, profiles."""
