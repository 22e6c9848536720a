"""Figures of the house: its theme, and what shows rows, features and their drift."""
