"""`{% load providers %}{% sign_in_offers as offers %}`: the buttons of sign-in and sign-up."""

from django import template

from ..social.shown import Offer, offers

register = template.Library()


@register.simple_tag
def sign_in_offers() -> list[Offer]:
    """The sign-in providers that the operator has configured."""
    return offers()
