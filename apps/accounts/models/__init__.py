"""Accounts (the tenancy boundary), users (people who sign in) and the memberships between them."""

from .account import Account
from .doors import AllowedAddress
from .people import Invitation, Membership, User, UserManager
from .tries import TryCount

__all__ = [
    "Account",
    "AllowedAddress",
    "Invitation",
    "Membership",
    "TryCount",
    "User",
    "UserManager",
]
