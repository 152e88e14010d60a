"""Exchange mailboxes: one file per concern."""
