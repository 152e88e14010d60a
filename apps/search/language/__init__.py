"""What people type, as a tree that the index executes. No Django."""
