"""Reports that come by themselves, and the letters that backups cause."""
