"""What an item is outside of the vault: one module per format."""
