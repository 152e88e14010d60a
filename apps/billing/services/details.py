"""Where bills go."""

from collections.abc import Mapping

from ..models import BillingDetails


def details_save(values: Mapping[str, str]) -> BillingDetails:
    """Keep billing details (names of `BillingDetails`' fields). Raises DetailsMissing, InvalidRequest."""
    raise NotImplementedError
