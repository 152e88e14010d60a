"""Whether an answer of an identity provider may be believed. Nothing here touches the database or a session.

Three sieves, each enough for most attacks: the shape that the document must have before a signature is
looked at (`_shape`), python3-saml's own validation (signature, schema, issuer), and what it is lenient about
(`_strict`). docs/company-sign-in.md lists every check beside its test.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from apps.core import clock
from apps.core.errors import EverkeepError

from .metadata import Config
from .provider import acs_url, entity_id, here, saml_settings

MOST_BASE64: Final = 256 * 1024
SKEW: Final = timedelta(seconds=60)
LONGEST_ID: Final = 255
LONGEST_ADDRESS: Final = 254
_RSA_EC: Final = re.compile(r"http://www\.w3\.org/2001/04/xmldsig-more#(rsa|ecdsa)-sha(256|384|512)")
_DIGEST: Final = (
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
)
_TRANSFORMS: Final = (
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
)
_CANONICAL: Final = (*_TRANSFORMS[1:], "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
# What providers call the mail address, the most exact name first; without any of them the NameID is it.
_ADDRESS_NAMES: Final = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "email",
    "mail",
)
_NAME_NAMES: Final = (
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
    "name",
)
_V: Final = OneLogin_Saml2_ValidationError
_CAUSES: Final = {
    _V.STATUS_CODE_IS_NOT_SUCCESS: "provider_refused",
    _V.INVALID_XML_FORMAT: "not_saml",
    _V.WRONG_AUDIENCE: "wrong_audience",
    _V.WRONG_DESTINATION: "wrong_destination",
    _V.EMPTY_DESTINATION: "wrong_destination",
    _V.WRONG_ISSUER: "wrong_issuer",
    _V.ASSERTION_EXPIRED: "expired",
    _V.SESSION_EXPIRED: "expired",
    _V.ASSERTION_TOO_EARLY: "not_yet_valid",
    _V.WRONG_SUBJECTCONFIRMATION: "wrong_recipient_or_expired",
    _V.INVALID_SIGNATURE: "bad_signature",
}


class SamlRefused(EverkeepError):
    """A company sign-in that does not count. `cause` goes into the audit; the page tells nobody why."""

    code: ClassVar[str] = "saml_refused"
    status: ClassVar[int] = 403

    def __init__(self, cause: str, address: str = "") -> None:
        super().__init__("Your company's sign-in was not accepted.", do="Try again from the sign-in page.")
        self.cause, self.address = cause, address


@dataclass(frozen=True)
class Assertion:
    """What a believed answer says. `in_response_to` is "" for an answer that nobody asked for."""

    assertion_id: str
    address: str
    person_name: str
    in_response_to: str
    authenticated_at: datetime
    usable_until: datetime
    session_until: datetime | None


def believed(posted: str, account_id: UUID, config: Config) -> Assertion:
    """Judge a posted SAMLResponse. Raises SamlRefused with the first thing that is wrong."""
    text = _plain_text(posted)
    try:
        root = Xml.to_etree(text)
        assertion = _shape(root)
        response = OneLogin_Saml2_Response(
            saml_settings(account_id, config), base64.b64encode(text.encode()).decode()
        )
        response.is_valid(here(account_id), raise_exceptions=True)
        return _strict(root, assertion, account_id, config)
    except OneLogin_Saml2_ValidationError as error:
        raise SamlRefused(_CAUSES.get(error.code, "not_valid")) from error
    except (LxmlError, OneLogin_Saml2_Error, ValueError, TypeError) as error:
        raise SamlRefused("not_saml") from error


def _plain_text(posted: str) -> str:
    if len(posted) > MOST_BASE64:
        raise SamlRefused("too_large")
    try:
        text = base64.b64decode("".join(posted.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SamlRefused("not_saml") from error
    head = re.match(r"\s*<\?xml[^>]*\?>", text)
    encoding = re.search(r"encoding\s*=\s*[\"']([^\"']*)", head.group(0)) if head else None
    if "\0" in text or (encoding and encoding.group(1).lower() not in ("utf-8", "us-ascii")):
        raise SamlRefused("not_saml")
    # Document types (bombs, external entities), comments and CDATA (two readers, two addresses), instructions.
    if "<!" in text or "<?" in text[head.end() if head else 0 :]:
        raise SamlRefused("forbidden_xml")
    return text.strip()


def _shape(root: Any) -> Any:
    """Return the one assertion of a document in which nothing can be mistaken for what is signed."""
    if root.tag != f"{{{Names.NS_SAMLP}}}Response":
        raise SamlRefused("not_saml")
    if Xml.query(root, "//saml:EncryptedAssertion | //saml:EncryptedID"):
        raise SamlRefused("encrypted")
    assertions = Xml.query(root, "//saml:Assertion")
    if Xml.query(root, "//samlp:Response") != [root] or len(assertions) > 1:
        raise SamlRefused("wrapped")
    if not assertions:
        raise SamlRefused("provider_refused" if _failed(root) else "no_assertion")
    assertion = assertions[0]
    names = Xml.query(root, "//@*[local-name()='ID' or local-name()='Id' or local-name()='id']")
    signatures = Xml.query(root, "//ds:Signature")
    if assertion.getparent() is not root or len(names) != len(set(names)):
        raise SamlRefused("wrapped")
    if any(signature.getparent() not in (root, assertion) for signature in signatures):
        raise SamlRefused("wrapped")
    if len(Xml.query(assertion, "./ds:Signature")) != 1:
        raise SamlRefused("unsigned_assertion")
    if len(Xml.query(root, "./ds:Signature")) > 1:
        raise SamlRefused("wrapped")
    for signature in signatures:
        _signature_shape(signature)
    return assertion


def _failed(root: Any) -> bool:
    codes = Xml.query(root, "./samlp:Status/samlp:StatusCode/@Value")
    return bool(codes != [Names.STATUS_SUCCESS])


def _signature_shape(signature: Any) -> None:
    """One reference, to the element that the signature stands in, by ways of signing that are still safe."""
    references = Xml.query(signature, ".//ds:Reference")
    targets = [reference.get("URI") for reference in references]
    if targets != [f"#{signature.getparent().get('ID')}"] or Xml.query(signature, ".//ds:Object"):
        raise SamlRefused("wrapped")
    methods = Xml.query(signature, ".//ds:SignatureMethod/@Algorithm")
    digests = Xml.query(signature, ".//ds:DigestMethod/@Algorithm")
    if len(methods) != 1 or not _RSA_EC.fullmatch(methods[0]):
        raise SamlRefused("weak_algorithm")
    if len(digests) != 1 or digests[0] not in _DIGEST:
        raise SamlRefused("weak_algorithm")
    transforms = Xml.query(signature, ".//ds:Transform/@Algorithm")
    canonical = Xml.query(signature, ".//ds:CanonicalizationMethod/@Algorithm")
    if len(transforms) > 2 or not set(transforms) <= set(_TRANSFORMS) or not set(canonical) <= set(_CANONICAL):
        raise SamlRefused("weak_algorithm")


def _strict(root: Any, assertion: Any, account_id: UUID, config: Config) -> Assertion:
    """What python3-saml lets pass when it is left out, or only begins right."""
    if root.get("Destination") != acs_url(account_id):
        raise SamlRefused("wrong_destination")
    if _text(assertion, "./saml:Issuer") != config.entity_id:
        raise SamlRefused("wrong_issuer")
    audiences = Xml.query(assertion, "./saml:Conditions/saml:AudienceRestriction")
    for restriction in audiences:
        if entity_id(account_id) not in _texts(restriction, "./saml:Audience"):
            raise SamlRefused("wrong_audience")
    if not audiences:
        raise SamlRefused("wrong_audience")
    bearer = _bearer(assertion, acs_url(account_id))
    in_response_to = bearer.get("InResponseTo", "")
    if root.get("InResponseTo", in_response_to) != in_response_to:
        raise SamlRefused("wrong_request")
    usable_until = _still_valid(assertion, bearer)
    if len(assertion.get("ID")) > LONGEST_ID or len(in_response_to) > LONGEST_ID:
        raise SamlRefused("not_valid")
    statement = Xml.query(assertion, "./saml:AuthnStatement")[0]
    until = statement.get("SessionNotOnOrAfter")
    return Assertion(
        assertion_id=assertion.get("ID"),
        address=_address(assertion),
        person_name=next(iter(_values(assertion, _NAME_NAMES)), "")[:200],
        in_response_to=in_response_to,
        authenticated_at=_moment(statement.get("AuthnInstant")),
        usable_until=usable_until,
        session_until=_moment(until) if until else None,
    )


def _bearer(assertion: Any, recipient: str) -> Any:
    """The data of the one confirmation "whoever brings this", which must be meant for us and must end."""
    found = Xml.query(
        assertion,
        f"./saml:Subject/saml:SubjectConfirmation[@Method='{Names.CM_BEARER}']/saml:SubjectConfirmationData",
    )
    if len(found) != 1 or found[0].get("Recipient") != recipient or not found[0].get("NotOnOrAfter"):
        raise SamlRefused("wrong_recipient_or_expired")
    return found[0]


def _still_valid(assertion: Any, bearer: Any) -> datetime:
    """Return until when the assertion could be used. Raises SamlRefused when it is not its time."""
    conditions = Xml.query(assertion, "./saml:Conditions")[0]
    ends = [_moment(found.get("NotOnOrAfter")) for found in (conditions, bearer) if found.get("NotOnOrAfter")]
    starts = [_moment(found.get("NotBefore")) for found in (conditions, bearer) if found.get("NotBefore")]
    starts.append(_moment(assertion.get("IssueInstant")))
    if any(moment + SKEW <= clock.now() for moment in ends):
        raise SamlRefused("expired")
    if any(moment - SKEW > clock.now() for moment in starts):
        raise SamlRefused("not_yet_valid")
    return max(ends)


def _address(assertion: Any) -> str:
    found = _values(assertion, _ADDRESS_NAMES) or _texts(assertion, "./saml:Subject/saml:NameID")
    distinct = {value.strip().lower() for value in found}
    if len(distinct) != 1:
        raise SamlRefused("no_address")
    address = distinct.pop()
    try:
        validate_email(address)
    except ValidationError as error:
        raise SamlRefused("no_address") from error
    if len(address) > LONGEST_ADDRESS:
        raise SamlRefused("no_address")
    return address


def _values(assertion: Any, names: Sequence[str]) -> list[str]:
    """The values of the first of these attributes that the assertion has."""
    attributes = Xml.query(assertion, "./saml:AttributeStatement/saml:Attribute")
    for name in names:
        same = [attribute for attribute in attributes if attribute.get("Name") == name]
        if values := [text for attribute in same for text in _texts(attribute, "./saml:AttributeValue")]:
            return values
    return []


def _texts(element: Any, path: str) -> list[str]:
    return [text for found in Xml.query(element, path) if (text := "".join(found.itertext()).strip())]


def _text(element: Any, path: str) -> str:
    return next(iter(_texts(element, path)), "")


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(Utils.parse_SAML_to_time(text), UTC)
