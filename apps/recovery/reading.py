"""The bytes of stored items."""

from collections.abc import Iterable
from contextlib import suppress

from apps.backups.selectors.browse import AsOf, Node, Stored, contents
from apps.backups.selectors.damage import fate_of
from apps.core.errors import EverkeepError, NotFound
from apps.vault.api import ContentPart, Role, VaultError, VaultReader, decode_content, open_reader
from apps.vault.errors import BlobError
from apps.vault.health import damage_report

from .kinds import kind_of


class ItemDamaged(EverkeepError):
    """The vault holds this item, but cannot give its bytes out whole."""

    code, status = "item_damaged", 503


def as_damage(error: EverkeepError, state: AsOf, node: Node) -> EverkeepError:
    """Write down what could not be read, and say what becomes of the item; other errors stay as they are."""
    if not isinstance(error, BlobError):
        return error
    damage_report(state.account_id, error)
    named = kind_of(state.sub_service).item[0]
    return ItemDamaged(f"This {named} is damaged in the vault.", do=fate_of(state, node.remote_id))


def mime_part(content: bytes) -> ContentPart:
    """Return the part that holds the message itself. Raises NotFound when the version has none."""
    for part in decode_content(content):
        if part.role == Role.MIME:
            return part
    raise NotFound("The text of this message is not in the backup.", do="Choose another day.")


def mime_parts(contents: Iterable[bytes]) -> list[ContentPart]:
    """Return the messages' parts, for VaultReader.expect. What has none says so when it is read."""
    parts = []
    for content in contents:
        with suppress(NotFound, VaultError):
            parts.append(mime_part(content))
    return parts


def read_message(state: AsOf, node: Node) -> bytes:
    """Return the exact bytes that the provider served. Raises NotFound, ItemDamaged, VaultError."""
    found = contents(state, [node.id])
    if node.id not in found or node.is_folder:
        raise NotFound("This backup holds no such message.")
    try:
        return open_reader(state.account_id).read(mime_part(found[node.id].content))
    except BlobError as error:
        raise as_damage(error, state, node) from error


def read_stored(reader: VaultReader, stored: Stored) -> bytes:
    """Return the message of a version. Raises NotFound, VaultError."""
    return reader.read(mime_part(stored.content))


def item_parts(contents: Iterable[bytes]) -> list[ContentPart]:
    """Return all parts of items of any kind, for VaultReader.expect. What cannot be read says so later."""
    parts: list[ContentPart] = []
    for content in contents:
        with suppress(VaultError):
            parts.extend(decode_content(content))
    return parts


def read_item(reader: VaultReader, content: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return content and attachments as they were fetched. Raises NotFound, VaultError."""
    parts = decode_content(content)
    main = next((part for part in parts if part.role in (Role.MIME, Role.PROPS)), None)
    if main is None:
        raise NotFound("The content of this item is not in the backup.", do="Choose another day.")
    files = [part for part in parts if part.role == Role.ATTACHMENT]
    return reader.read(main), tuple(reader.read(part) for part in files)
