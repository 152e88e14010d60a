"""The storage engine: pure Python, no Django. docs/vault-format.md describes every byte it writes."""
