"""What an optimizer may ask for beside loss and gradient."""
