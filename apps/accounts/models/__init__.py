"""Accounts (the tenancy boundary), users (people who sign in) and the memberships between them."""

from .account import Account
from .approvals import Approval
from .doors import AllowedAddress, ApiToken, UserSession
from .factors import PastPassword, RecoveryCode, TotpDevice
from .guests import GuestMembership, Partner, PartnerCustomer, PartnerMembership, SeatInvitation, SupportGrant
from .life import AddressChange, Tombstone
from .people import Invitation, Membership, User, UserManager
from .saml import CompanyDomain, SamlArrival, SamlProvider
from .tries import TryCount

__all__ = [
    "Account",
    "AddressChange",
    "AllowedAddress",
    "ApiToken",
    "Approval",
    "CompanyDomain",
    "GuestMembership",
    "Invitation",
    "Membership",
    "Partner",
    "PartnerCustomer",
    "PartnerMembership",
    "PastPassword",
    "RecoveryCode",
    "SamlArrival",
    "SamlProvider",
    "SeatInvitation",
    "SupportGrant",
    "Tombstone",
    "TotpDevice",
    "TryCount",
    "User",
    "UserManager",
    "UserSession",
]
