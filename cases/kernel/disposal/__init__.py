"""What is erased once its time is over, or before it where two people decided so, and again after a restore."""
