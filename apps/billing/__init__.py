"""What is counted, what it costs, and what was paid."""
