"""The one jitted loop and what it is made of."""
