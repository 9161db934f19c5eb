"""The methodology's parameters (methodology §13) and each hospital's elections."""
