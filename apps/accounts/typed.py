"""What somebody typed before they were asked who they are (`sudo`): it stands in the form again afterwards.

Nothing is done with it. It lies sealed in the session for minutes, without what is secret, and is shown once,
to who has given the proof, on the page that it was sent from (`static/js/typed.js` fills the form).
"""

import base64
import json
import re
import time
from typing import Any, Final

from django.http import HttpRequest

from apps.core.errors import EverkeepError
from apps.core.sealing import seal, unseal

KEY: Final = "typed"
LASTS: Final = 600.0
MOST: Final = 20_000
_SECRET: Final = re.compile(r"passw|secret|code|token|key|credential", re.IGNORECASE)
_TICKED: Final = ["on"]


def keep(request: HttpRequest, page: str) -> None:
    """Keep what this request brought for the form on `page`; of an earlier one nothing is kept any longer."""
    request.session.pop(KEY, None)
    account = getattr(request, "account", None)
    fields = {name: values for name, values in request.POST.lists() if _may_be_kept(name, values)}
    plain = json.dumps({"to": request.path, "fields": fields}).encode()
    if account is None or not fields or len(plain) > MOST:
        return
    sealed = seal(account_id=account.pk, purpose=_purpose(request), plaintext=plain)
    request.session[KEY] = {
        "account": account.pk,
        "page": page.partition("?")[0],
        "until": time.time() + LASTS,
        "sealed": base64.b64encode(sealed).decode(),
    }


def again(request: HttpRequest) -> dict[str, Any] | None:
    """What was kept for this page, once: `to`, the address of its form, and `fields`, the values by name."""
    kept = request.session.get(KEY)
    account = getattr(request, "account", None)
    if kept is None or account is None:
        return None
    if time.time() > kept["until"] or account.pk != kept["account"]:
        del request.session[KEY]
        return None
    if request.method != "GET" or request.path != kept["page"]:
        return None
    del request.session[KEY]
    sealed = base64.b64decode(kept["sealed"])
    try:
        plain = unseal(account_id=account.pk, purpose=_purpose(request), sealed=sealed)
    except EverkeepError:
        return None  # the master key is another one since: they type it again, the page must not fail for it
    found: dict[str, Any] = json.loads(plain)
    return found


def _may_be_kept(name: str, values: list[str]) -> bool:
    return values == _TICKED or not _SECRET.search(name)


def _purpose(request: HttpRequest) -> str:
    return f"accounts.typed:{request.user.pk}"
