"""Who belongs to an account and what they may do there: rights, changes, invitations, the list."""
