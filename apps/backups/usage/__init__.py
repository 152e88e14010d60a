"""The usage report (features STA-07): every entity of every task, and whether it is covered."""
