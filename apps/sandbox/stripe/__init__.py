"""A stand-in for Stripe: the part of its API that a portal with cards uses, with state, pages and webhooks."""
