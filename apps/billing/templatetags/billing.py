"""`{% load billing %}{{ row.total_minor|money:row.currency }}`."""

from django import template

from .. import money as amounts

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    """An amount in its currency; a dash where there is none."""
    return "\N{EN DASH}" if minor is None else amounts.shown(minor, currency)
