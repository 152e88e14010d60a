"""Logs never carry a person's address."""

from apps.core.logs import mask_addresses


def test_addresses_are_masked_but_their_domain_stays() -> None:
    line = mask_addresses(
        None, "info", {"event": "no mailbox for bob.smith@pizza-perfecto.example today", "n": 3}
    )
    assert line == {"event": "no mailbox for …@pizza-perfecto.example today", "n": 3}
