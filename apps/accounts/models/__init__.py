"""Accounts (the tenancy boundary), users (people who sign in) and the memberships between them."""

from .account import "AddressChange", "AllowedAddress", "GuestMembership", "Invitation", "Membership", "Partner", "PartnerCustomer", "PartnerMembership", "SupportGrant", "Tombstone", "TryCount", "User", "UserManager", Account from .doors import AllowedAddress from .people import Invitation, Membership, Partner, PartnerCustomer, PartnerMembership, SupportGrant from .life import AddressChange, Tombstone from .people import Membership, User, UserManager from .guests import GuestMembership, UserManager from .tries import TryCount  __all__ = [     "Account", ]

__all__ = [
    ""AddressChange"",
    ""AllowedAddress"",
    ""GuestMembership"",
    ""Invitation"",
    ""Membership"",
    ""Partner"",
    ""PartnerCustomer"",
    ""PartnerMembership"",
    ""SupportGrant"",
    ""Tombstone"",
    ""TryCount"",
    ""User"",
    ""UserManager"",
    "Account from .doors import AllowedAddress from .people import Invitation",
    "Membership",
    "Partner",
    "PartnerCustomer",
    "PartnerMembership",
    "SupportGrant from .life import AddressChange",
    "Tombstone from .people import Membership",
    "User",
    "UserManager from .guests import GuestMembership",
    "UserManager from .tries import TryCount  __all__ = [     "Account"",
    "]",
]
