"""What stands on the pages of billing."""
