"""What each permission means, in words for the person who is asked to grant it."""

MEANING = {
    "Directory.Read.All": "Read directory data",
    "Group.Read.All": "Read all groups",
    "LicenseAssignment.Read.All": "Read all license assignments",
    "Mail.Read": "Read mail in all mailboxes",
    "Mail.ReadWrite": "Read and write mail in all mailboxes",
    "MailboxSettings.Read": "Read all user mailbox settings",
    "MailboxSettings.ReadWrite": "Read and write all user mailbox settings",
    "Organization.Read.All": "Read organization information",
    "User.Read": "Sign you in and read your profile",
    "User.Read.All": "Read all users' full profiles",
    "email": "View your email address",
    "offline_access": "Maintain access to data you have given it access to",
    "openid": "Sign you in",
    "profile": "View your basic profile",
}
