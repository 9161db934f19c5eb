"""Completed care redesign surveys: reading the forms, and which one is in force in a period."""
