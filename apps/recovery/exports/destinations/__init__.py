"""Places that an export goes to instead of a download: one module a kind, one interface (`base`)."""
