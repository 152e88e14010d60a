"""The index: documents, how their text is cut into words, the engine's files, sealed. No Django."""
