"""Erasure of single items on somebody's demand (GDPR): hidden at once, gone from every backup after a grace.

`chosen` looks at what would go, `order` takes and cancels orders, `erase` works under the entity's lease,
`work` is the hourly task, `remembered` keeps what no run may store again, `proof` follows the bytes,
`certificate` says what became of them. docs/erasure.md
"""
