"""A restore: planned against the live target, executed with a ledger, verified by reading back."""
