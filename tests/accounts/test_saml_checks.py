"""Answers of identity providers that must not be believed, signed by the right key where that is the point."""

import base64
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names

from apps.accounts.saml.checks import Assertion, SamlRefused, believed
from tests.fixtures.saml import Answer, config, encoded, signer

ACCOUNT = UUID("01890000-0000-7000-8000-000000000001")
OTHER = UUID("01890000-0000-7000-8000-000000000002")
VERA = "vera.viewer@pizza-perfecto.example"
EVIL = "olivia.romano@pizza-perfecto.example"
NS = {"saml": Names.NS_SAML, "samlp": Names.NS_SAMLP, "ds": Names.NS_DS}


def answer(**changed: Any) -> Answer:
    return Answer(ACCOUNT, VERA, "_asked", **changed)


def judged(posted: str) -> Assertion:
    return believed(posted, ACCOUNT, config())


def cause(posted: str) -> str:
    with pytest.raises(SamlRefused) as refused:
        judged(posted)
    return refused.value.cause


def test_an_honest_answer_is_believed() -> None:
    found = judged(answer().posted())
    assert (found.address, found.in_response_to) == (VERA, "_asked")


def test_signing_the_response_as_well_does_no_harm() -> None:
    assert judged(answer(sign="both").posted()).address == VERA


def test_every_certificate_of_the_provider_counts_while_it_rolls_over() -> None:
    both = config(signer("old"), signer("new"))
    for name in ("old", "new"):
        assert believed(answer(by=signer(name)).posted(), ACCOUNT, both).address == VERA


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no signature": ({"sign": "nothing"}, "unsigned_assertion"),
    "only the response signed": ({"sign": "response"}, "unsigned_assertion"),
    "another key": ({"by": signer("thief")}, "bad_signature"),
    "another provider": ({"issuer": "https://idp.evil.example"}, "wrong_issuer"),
    "another service": ({"audience": "https://other.example/saml"}, "wrong_audience"),
    "another account": ({"audience": f"http://localhost:8000/saml/{OTHER}/metadata/"}, "wrong_audience"),
    "another destination": ({"destination": "https://other.example/acs"}, "wrong_destination"),
    "a longer destination": (
        {"destination": f"http://localhost:8000/saml/{ACCOUNT}/acs/x"},
        "wrong_destination",
    ),
    "another recipient": ({"recipient": "https://other.example/acs"}, "wrong_recipient_or_expired"),
    "a recipient that holds ours": (
        {"recipient": f"https://x.example/?http://localhost:8000/saml/{ACCOUNT}/acs/"},
        "wrong_recipient_or_expired",
    ),
    "expired": ({"ends": timedelta(minutes=-10)}, "expired"),
    "expired a moment ago": ({"ends": timedelta(seconds=-90)}, "wrong_recipient_or_expired"),
    "not yet valid": ({"starts": timedelta(minutes=10), "ends": timedelta(minutes=20)}, "not_yet_valid"),
    "two minutes early": ({"starts": timedelta(minutes=2)}, "not_yet_valid"),
    "the provider said no": ({"status": Names.STATUS_RESPONDER}, "provider_refused"),
    "SHA-1 signature": ({"algorithm": Names.RSA_SHA1}, "weak_algorithm"),
    "SHA-1 digest": ({"digest": Names.SHA1}, "weak_algorithm"),
    "an endless ID": ({"assertion_id": "_" + "a" * 300}, "not_valid"),
    "an endless address": (
        {"name_id": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.com"},
        "no_address",
    ),
    "no address": ({"name_id": "vera"}, "no_address"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    changed, expected = REFUSED[name]
    assert cause(answer(**changed).posted()) == expected


@pytest.mark.parametrize("inside", ["<!-- -->", "<?x?>", "<![CDATA[]]>"])
def test_nothing_that_a_signature_skips_splits_an_address(inside: str) -> None:
    """Put in after signing they change no digest, since canonical XML has none, but what some readers see."""
    xml = answer(name_id=f"{EVIL}.evil.example").xml()
    assert cause(encoded(xml.replace(f"{EVIL}.evil", f"{EVIL}{inside}.evil"))) == "forbidden_xml"


def test_a_small_difference_of_clocks_is_no_reason() -> None:
    assert judged(answer(starts=timedelta(seconds=40)).posted()).address == VERA


def test_two_addresses_are_none() -> None:
    values = "".join(f"<saml:AttributeValue>{one}</saml:AttributeValue>" for one in (VERA, EVIL))
    attribute = f'<saml:Attribute Name="email">{values}</saml:Attribute>'
    statement = f"<saml:AttributeStatement>{attribute}</saml:AttributeStatement>"
    assert cause(answer(attributes=statement).posted()) == "no_address"


def test_what_the_signature_covers_cannot_be_changed() -> None:
    assert cause(encoded(answer().xml().replace(VERA, EVIL))) == "bad_signature"


def test_the_question_is_the_signed_one() -> None:
    """The response around may be unsigned: to an assertion that nobody asked for no question can be added."""
    unasked = Answer(ACCOUNT, VERA).xml()
    assert judged(encoded(unasked)).in_response_to == ""
    added = unasked.replace(' Destination="', ' InResponseTo="_asked" Destination="', 1)
    assert cause(encoded(added)) == "wrong_request"


@pytest.mark.parametrize("missing", ["Destination", "Recipient", "AudienceRestriction", "NotOnOrAfter"])
def test_what_is_left_out_is_not_forgiven(missing: str) -> None:
    made = answer()
    if missing == "Destination":
        xml = re.sub(r' Destination="[^"]*"', "", made.xml())
    else:
        pattern = rf"<saml:{missing}>.*</saml:{missing}>" if missing[0] == "A" else rf' {missing}="[^"]*"'
        assertion = re.sub(pattern, "", made.assertion())
        made.assertion = lambda: assertion  # type: ignore[method-assign]
        xml = made.xml()
    with pytest.raises(SamlRefused):
        judged(encoded(xml))


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prefix", [BOMB, FILE, '<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd">'])
def test_document_types_are_not_even_parsed(prefix: str) -> None:
    assert cause(encoded(prefix + answer().xml())) == "forbidden_xml"


def test_other_encodings_hide_nothing() -> None:
    hidden = ('<?xml version="1.0" encoding="UTF-16"?>' + BOMB + answer().xml()).encode("utf-16")
    assert cause(base64.b64encode(hidden).decode()) == "not_saml"
    declared = '<?xml version="1.0" encoding="UTF-7"?>' + answer().xml()
    assert cause(encoded(declared)) == "not_saml"


@pytest.mark.parametrize("posted", ["", "%%%", encoded("<x/>"), encoded("not xml"), encoded("<a" * 50_000)])
def test_nonsense_is_refused_calmly(posted: str) -> None:
    assert cause(posted) == "not_saml"


def test_what_is_too_large_is_not_read() -> None:
    assert cause("A" * 300_000) == "too_large"


# Signature wrapping, by the numbers of Somorovsky et al., "On Breaking SAML" (2012): the signed element is kept
# where the signature finds it, and a forged one stands where the application looks.


def _parts(sign: str = "assertion") -> tuple[Any, Any, Any]:
    root = etree.fromstring(answer(sign=sign).xml())
    assertion = root.find("saml:Assertion", NS)
    signed = root if sign == "response" else assertion
    return root, assertion, signed.find("ds:Signature", NS)


def _forged(element: Any, new_id: str = "_evil") -> Any:
    """A copy that says what the attacker wants, without a signature."""
    copy = etree.fromstring(etree.tostring(element).replace(VERA.encode(), EVIL.encode()))
    for signature in copy.findall(".//ds:Signature", NS):
        signature.getparent().remove(signature)
    copy.set("ID", new_id)
    return copy


def _xsw1() -> Any:
    """A forged response around; the signed original in its signature."""
    root, _, signature = _parts("response")
    original = etree.fromstring(etree.tostring(root))
    original.remove(original.find("ds:Signature", NS))
    forged = _forged(root)
    forged.insert(1, signature)
    signature.append(original)
    return forged


def _xsw2() -> Any:
    """A forged response around; the signed original beside its signature."""
    root, _, signature = _parts("response")
    original = etree.fromstring(etree.tostring(root))
    original.remove(original.find("ds:Signature", NS))
    forged = _forged(root)
    forged.insert(1, original)
    forged.insert(2, signature)
    return forged


def _xsw3() -> Any:
    """A forged assertion before the signed one."""
    root, assertion, _ = _parts()
    root.insert(list(root).index(assertion), _forged(assertion))
    return root


def _xsw4() -> Any:
    """A forged assertion around the signed one."""
    root, assertion, _ = _parts()
    forged = _forged(assertion)
    root.replace(assertion, forged)
    forged.append(assertion)
    return root


def _xsw5() -> Any:
    """The signed assertion was changed and keeps the signature; the original stands at the end."""
    root, assertion, signature = _parts()
    original = etree.fromstring(etree.tostring(assertion))
    original.remove(original.find("ds:Signature", NS))
    forged = _forged(assertion)
    forged.insert(1, signature)
    root.replace(assertion, forged)
    root.append(original)
    return root


def _xsw6() -> Any:
    """As 5, with the original inside the signature."""
    root, assertion, signature = _parts()
    original = etree.fromstring(etree.tostring(assertion))
    original.remove(original.find("ds:Signature", NS))
    forged = _forged(assertion)
    forged.insert(1, signature)
    signature.append(original)
    root.replace(assertion, forged)
    return root


def _xsw7() -> Any:
    """A forged assertion in Extensions, which may hold anything."""
    root, assertion, _ = _parts()
    extensions = etree.Element(f"{{{Names.NS_SAMLP}}}Extensions")
    extensions.append(_forged(assertion, assertion.get("ID")))
    root.insert(1, extensions)
    return root


def _xsw8() -> Any:
    """The original in an Object of the signature of a forged assertion."""
    root, assertion, signature = _parts()
    original = etree.fromstring(etree.tostring(assertion))
    original.remove(original.find("ds:Signature", NS))
    forged = _forged(assertion)
    forged.insert(1, signature)
    holder = etree.SubElement(signature, f"{{{Names.NS_DS}}}Object")
    holder.append(original)
    root.replace(assertion, forged)
    return root


@pytest.mark.parametrize("wrap", [_xsw1, _xsw2, _xsw3, _xsw4, _xsw5, _xsw6, _xsw7, _xsw8])
def test_wrapped_signatures_open_nothing(wrap: Any) -> None:
    found = cause(encoded(etree.tostring(wrap()).decode()))
    assert found in ("wrapped", "unsigned_assertion", "not_saml")


def test_the_forged_id_of_the_signed_element_opens_nothing() -> None:
    """As 5, with the ID of the original: two elements of one ID."""
    root, assertion, signature = _parts()
    original = etree.fromstring(etree.tostring(assertion))
    forged = _forged(assertion, assertion.get("ID"))
    forged.insert(1, signature)
    root.replace(assertion, forged)
    extensions = etree.Element(f"{{{Names.NS_SAMLP}}}Extensions")
    extensions.append(original)
    root.insert(1, extensions)
    assert cause(encoded(etree.tostring(root).decode())) == "wrapped"


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", f"{Names.NS_DS}hmac-sha256"
        ),
        lambda xml: xml.replace(
            f"{Names.NS_DS}enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"
        ),
        lambda xml: re.sub(r'URI="#[^"]*"', 'URI=""', xml),
        lambda xml: re.sub(r'URI="#[^"]*"', 'URI="#_elsewhere"', xml),
    ],
)
def test_signatures_of_other_kinds_are_refused(change: Any) -> None:
    assert cause(encoded(change(answer().xml()))) in ("weak_algorithm", "wrapped")


def test_encrypted_assertions_are_refused_with_a_reason_for_the_administrator() -> None:
    xml = answer().xml().replace("saml:Assertion", "saml:EncryptedAssertion")
    assert cause(encoded(xml)) == "encrypted"
