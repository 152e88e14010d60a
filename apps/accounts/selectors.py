"""Reads that other apps need."""

from .life.trial import stopped as stopped_accounts

__all__ = ["stopped_accounts"]
