"""Writes of backups, one module per noun."""
