"""People who enter an account without belonging to it: partners and Everkeep's staff (docs/accounts.md)."""
