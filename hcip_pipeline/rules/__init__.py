"""What can be wrong with a received file: every rule, declared once, and problems, each one breach of a rule."""
