"""What each permission means, in words for the person who is asked to grant it."""

MEANING = {
    "Calendars.Read": "Read calendars in all mailboxes",
    "Calendars.ReadWrite": "Read and write calendars in all mailboxes",
    "Contacts.Read": "Read contacts in all mailboxes",
    "Contacts.ReadWrite": "Read and write contacts in all mailboxes",
    "Directory.Read.All": "Read directory data",
    "Group.Read.All": "Read all groups",
    "LicenseAssignment.Read.All": "Read all license assignments",
    "Mail.Read": "Read mail in all mailboxes",
    "Mail.ReadWrite": "Read and write mail in all mailboxes",
    "MailboxSettings.Read": "Read all user mailbox settings",
    "MailboxSettings.ReadWrite": "Read and write all user mailbox settings",
    "Organization.Read.All": "Read organization information",
    "Tasks.Read.All": "Read all users' tasks and task lists",
    "Tasks.ReadWrite.All": "Read and write all users' tasks and task lists",
    "User.Read": "Sign you in and read your profile",
    "User.Read.All": "Read all users' full profiles",
    "email": "View your email address",
    "offline_access": "Maintain access to data you have given it access to",
    "openid": "Sign you in",
    "profile": "View your basic profile",
}
