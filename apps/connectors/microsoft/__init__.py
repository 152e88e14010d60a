"""Microsoft 365 through Microsoft Graph. Only the base addresses tell a real tenant from the sandbox cloud."""
