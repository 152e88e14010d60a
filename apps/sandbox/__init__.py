"""A simulated Microsoft cloud: identity and Graph for one tenant, independent of the portal."""
