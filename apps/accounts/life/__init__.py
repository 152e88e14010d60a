"""Trial, closing, grace and deletion of accounts. What happens when: docs/accounts.md."""
