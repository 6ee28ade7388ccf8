"""What is told of claims: tables, the atlas, figures."""
