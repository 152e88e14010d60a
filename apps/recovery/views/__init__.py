"""Pages of recovery, one module per page."""
