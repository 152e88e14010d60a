"""What is usual for a mailbox, and what is not: pure Python over readings, without Django or a database."""
