"""What can be wrong with a file that is received: every rule once, and a problem as one breach of a rule."""
