"""`{% load typed %}{% typed_again as typed %}`: what was typed here before the proof, as JSON."""

import json
from typing import Any

from django import template

from .. import typed
from ..sudo import is_fresh

register = template.Library()


@register.simple_tag(takes_context=True)
def typed_again(context: dict[str, Any]) -> str:
    """The fields as JSON, "" where nothing was kept for this page or no proof was given since."""
    request = context.get("request")
    if request is None or typed.KEY not in getattr(request, "session", ()) or not is_fresh(request):
        return ""
    found = typed.again(request)
    return json.dumps(found) if found else ""
