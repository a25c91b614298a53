"""What all forms share: no card number is taken, numbers are read as people type them, nothing is chosen beforehand."""
