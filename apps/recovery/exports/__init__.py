"""An export: numbered ZIP parts of EML files, made by a job, handed out for 72 hours."""
