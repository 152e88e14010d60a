"""Whom the account writes to, by which way, and what became of it."""
