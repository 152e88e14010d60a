"""How passwords are kept."""

from django.contrib.auth import hashers


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane, as OWASP advises.

    Django's 100 MiB on eight lanes takes a web server of two cores a quarter of a second of CPU for each
    sign-in, and a gigabyte for ten at the same time.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
