"""Completed care redesign surveys: reading the forms, and which of them is in force in a period."""
