"""From what the vault holds to words: mail, documents of providers, files. Pure Python, no Django."""
