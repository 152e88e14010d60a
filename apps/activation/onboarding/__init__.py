"""Guided onboarding: the first backups of a large organisation, day by day (docs/activation.md)."""
