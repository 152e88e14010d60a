"""What stays of old backups and what goes: rules, the decision, and the nightly work that carries it out.

`rules` and `deciding` are pure. `marking` writes beside a snapshot when it goes, a week ahead; `expiry` lets it
go, under the entity's lease (docs/retention.md).
"""
