"""What every answer of the portal must be, whoever asks for what. `test_url_table.py` asks it of each."""

import re
from http.cookies import Morsel
from typing import Any
from urllib.parse import quote, urlsplit

# Other people's HTML, shown in a frame that can do nothing: styles may stand in it.
FRAMES = {"outbox_html", "recovery_letter"}
# Microsoft, whose sign-in the person has just asked for.
LEADS_AWAY = {"connection_authenticate"}
# Files that we write ourselves, with nothing of anybody's in them, may be shown.
OWN_FILES = {"api_schema"}
ELSEWHERE = "https://evil.example/"
ASKED_TO_LEAD_AWAY = f"?next={quote(ELSEWHERE, safe='')}"

POLICY = {
    "default-src": {"'self'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'self'"},
    "frame-src": {"'self'"},
    "frame-ancestors": {"'none'"},
    "form-action": {"'self'"},
    "base-uri": {"'none'"},
    "object-src": {"'none'"},
}
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<[a-z][^<>]*\s(?:style|on[a-z]+)=|(?:href|src|action)=\"javascript:", re.I
)


def faults_of(name: str, response: Any) -> list[str]:
    """What is wrong with the answer of the route `name`; empty when nothing is."""
    framed = name in FRAMES and response.status_code == 200
    found = [*_policy_faults(response, framed=framed), *_header_faults(name, response, framed=framed)]
    if not response.streaming and response["Content-Type"].startswith("text/html") and not framed:
        found += [f"inline: {match[:60]}" for match in INLINE.findall(response.content.decode())]
        if f'="{ELSEWHERE}' in response.content.decode().replace(f'value="{ELSEWHERE}', ""):
            found.append("links to where the query said")
    target = urlsplit(response.headers.get("Location", ""))
    if (target.netloc and name not in LEADS_AWAY) or target.scheme not in ("", "http", "https"):
        found.append(f"leads away to {response['Location']}")
    return found


def policy_of(response: Any) -> dict[str, set[str]]:
    """The content security policy, by directive."""
    parts = [part.split() for part in response.headers.get("Content-Security-Policy", "").split(";")]
    return {part[0]: set(part[1:]) for part in parts if part}


def _policy_faults(response: Any, *, framed: bool) -> list[str]:
    policy = policy_of(response)
    if {"sandbox", "default-src"} == set(policy) and policy["default-src"] == {"'none'"}:
        return [] if "Content-Disposition" in response.headers else ["a page that can do nothing"]
    if not framed:
        return [f"policy {key}: {policy.get(key)}" for key in POLICY if policy.get(key) != POLICY[key]]
    may_do = {key: policy.get(key, policy.get("default-src", set())) for key in ("script-src", "connect-src")}
    found = [f"a frame may {key}: {value}" for key, value in may_do.items() if value != {"'none'"}]
    return found + ([] if policy.get("frame-ancestors") == {"'self'"} else ["a frame stands anywhere"])


def _header_faults(name: str, response: Any, *, framed: bool) -> list[str]:
    wanted = {
        "X-Frame-Options": {"SAMEORIGIN" if framed else "DENY"},
        "X-Content-Type-Options": {"nosniff"},
        "Referrer-Policy": {"same-origin", "no-referrer"},
        "Cross-Origin-Opener-Policy": {"same-origin"},
    }
    found = [
        f"{key}: {response.headers.get(key)}" for key in wanted if response.headers.get(key) not in wanted[key]
    ]
    cookies: list[Morsel[str]] = list(response.cookies.values())
    found += [
        f"cookie {one.key} goes to other sites" for one in cookies if one.value and one["samesite"] != "Lax"
    ]
    found += [f"scripts read {one.key}" for one in cookies if one.key == "sessionid" and not one["httponly"]]
    disposition = response.headers.get("Content-Disposition")
    if disposition and name not in OWN_FILES and not disposition.startswith("attachment"):
        found.append(f"shown, not saved: {disposition}")
    return found
