"""Legal holds, for lists and previews of upper apps."""

from ..holds import held_by_themselves

__all__ = ["held_by_themselves"]
