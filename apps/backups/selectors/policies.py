"""Which rule holds for an entity, and why: see `apps.backups.ruling`, which the engine uses too."""

from ..ruling import PARTS, Part, Ruling, groups_of, rules_of, ruling_of_task

__all__ = ["PARTS", "Part", "Ruling", "groups_of", "rules_of", "ruling_of_task"]
