"""What an identity provider says about itself, read once and kept as plain facts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.public_web import fetch, is_private_literal, networks

MOST_BYTES: Final = 512 * 1024
MOST_CERTIFICATES: Final = 10
LEAST_RSA_BITS: Final = 2048
_COPY_AGAIN: Final = "Download your provider's metadata once more and paste all of it."


@dataclass(frozen=True)
class Config:
    """One provider: who it is, where people sign in, whose signatures count (base64 of DER)."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]
    metadata_url: str = ""
    embed_link: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Config":
        return cls(**{**stored, "certificates": tuple(stored["certificates"])})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "certificates": list(self.certificates)}

    @property
    def ends_at(self) -> datetime:
        """When the last of its certificates ends."""
        return max(_certificate(text).not_valid_after_utc for text in self.certificates)

    @property
    def host(self) -> str:
        return urlsplit(self.sso_url).hostname or ""


def digest_of(stored: dict[str, Any]) -> str:
    """The same for the same facts as they are kept."""
    return sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()


def config_from(source: str, *, embed_link: str = "") -> Config:
    """Read pasted XML, or fetch it from the address. Raises InvalidRequest, Unavailable."""
    source, url = source.strip(), ""
    if not source.startswith("<"):
        url, source = source, fetched(source)
    if embed_link and not is_safe_address(embed_link):
        raise InvalidRequest("The app embed link must begin with https://.", do="Copy it once more.")
    facts = parse(source)
    return Config(**facts, metadata_url=url, embed_link=embed_link)


def fetched(url: str) -> str:
    """The document at a public https address. Raises InvalidRequest, Unavailable."""
    found = fetch(url, most_bytes=MOST_BYTES, private=_private())
    return found.decode("utf-8", "replace")


def is_safe_address(url: str) -> bool:
    """Whether a browser may be sent there: https, or a number inside the operator's own networks."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username or any(sign.isspace() for sign in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_private_literal(host, _private()))


def parse(text: str) -> dict[str, Any]:
    """Take the facts out of a provider's metadata. Raises InvalidRequest, which says what is wrong with it."""
    if len(text) > MOST_BYTES or "<!DOCTYPE" in text or "<!ENTITY" in text:
        # No honest metadata has a document type; entities are how XML bombs and reads of our files begin.
        raise InvalidRequest("This is not plain SAML metadata.", do=_COPY_AGAIN)
    try:
        root = Xml.to_etree(text)
        providers = Xml.query(root, "//md:EntityDescriptor[md:IDPSSODescriptor]")
        found = Parser.parse(text).get("idp", {}) if len(providers) == 1 else {}
        until = [Utils.parse_SAML_to_time(value) for value in Xml.query(root, "//@validUntil")]
    except (LxmlError, ValueError) as error:
        raise InvalidRequest("This is not SAML metadata.", do=_COPY_AGAIN) from error
    if len(providers) != 1:
        raise InvalidRequest(
            f"This describes {len(providers)} identity providers instead of one.", do=_COPY_AGAIN
        )
    if until and min(until) <= clock.now().timestamp():
        raise InvalidRequest("This metadata has expired.", do=_COPY_AGAIN)
    if Xml.query(providers[0], "./md:IDPSSODescriptor/@WantAuthnRequestsSigned") == ["true"]:
        raise InvalidRequest(
            "Your provider wants signed requests, which Everkeep does not send.",
            do="Switch “require signed requests” off there; the address it answers to is fixed anyway.",
        )
    return _facts(found)


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    entity_id = found.get("entityId", "")
    sso_url = found.get("singleSignOnService", {}).get("url", "")
    multi = found.get("x509certMulti", {}).get("signing", [])
    certificates = tuple(dict.fromkeys(multi or [text for text in [found.get("x509cert")] if text]))
    if not entity_id or not is_safe_address(sso_url):
        raise InvalidRequest(
            "The metadata names no https address for sign-in by redirect.",
            do=f"Your provider must offer the binding {Names.BINDING_HTTP_REDIRECT}.",
        )
    _judge(certificates)
    return {"entity_id": entity_id, "sso_url": sso_url, "certificates": certificates}


def _judge(certificates: Sequence[str]) -> None:
    if not 0 < len(certificates) <= MOST_CERTIFICATES:
        raise InvalidRequest("The metadata has no certificate for signatures, or too many.", do=_COPY_AGAIN)
    for text in certificates:
        try:
            key = _certificate(text).public_key()
        except ValueError as error:
            raise InvalidRequest("A certificate in the metadata cannot be read.", do=_COPY_AGAIN) from error
        if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
            raise InvalidRequest(
                f"Your provider signs with a key of {key.key_size} bits, which can be forged.",
                do=f"Make a new certificate with at least {LEAST_RSA_BITS} bits there.",
            )


def _certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Utils.format_cert(text).encode())


def _private() -> Any:
    return networks(settings.SAML_PRIVATE_NETWORKS)
