"""The harness itself."""

from tests.fixtures.sandbox import SandboxCloud


def test_a_reset_tenant_is_the_same_every_time(sandbox_cloud: SandboxCloud) -> None:
    first = sandbox_cloud.mailbox_hash(sandbox_cloud.admin)
    sandbox_cloud.advance(days=2)
    later = sandbox_cloud.mailbox_hash(sandbox_cloud.admin)
    sandbox_cloud.reset()
    assert sandbox_cloud.mailbox_hash(sandbox_cloud.admin) == first
    sandbox_cloud.advance(days=2)
    assert sandbox_cloud.mailbox_hash(sandbox_cloud.admin) == later != first
