from django.apps import AppConfig
from django.conf import settings


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"

    def ready(self) -> None:
        from apps.activity.registry import register_codes  # noqa: PLC0415 - the app registry is complete only here
        from apps.core import navigation  # noqa: PLC0415

        from .members.register import register_users  # noqa: PLC0415
        from .saml.register import register_company_sign_in  # noqa: PLC0415

        register_codes(
            "Account",
            {
                "account.created": "Account created",
                "account.taken_over": "Account taken over from its vault",
            },
        )

        from apps.activity.heads import register_addresses  # noqa: PLC0415
        from apps.core.elsewhere import register_elsewhere  # noqa: PLC0415
        from apps.core.guard import register_proof  # noqa: PLC0415

        from .everywhere import addresses_of  # noqa: PLC0415
        from .other_accounts import account_of_address  # noqa: PLC0415
        from .sign_ins import CODES, listen  # noqa: PLC0415
        from .sudo import ask_again  # noqa: PLC0415 - needs the models

        register_proof(ask_again)
        register_elsewhere(account_of_address)
        listen()
        register_addresses(addresses_of)
        register_codes("Sign-in", CODES)
        from .factors.ready import ready as factors_ready  # noqa: PLC0415 - needs the models

        register_company_sign_in()

        factors_ready()
        register_users()

        navigation.register_link("sign_in", "account_login")
        navigation.register_link("sign_up", "account_signup")
        navigation.register_link("log_out", "account_logout")
        navigation.register_link("my_security", "my_security")
        sentence = (
            "Second factors, passwords, company sign-in and allowed addresses, for everybody in the account."
        )
        navigation.register_section(
            navigation.Section("security", "Security", sentence, "lock", 15, "security")
        )
        from .doors import register_doors  # noqa: PLC0415
        from .social.wiring import register_providers  # noqa: PLC0415

        register_doors()
        register_providers()
        if settings.DEBUG:
            navigation.register_link("debug_outbox", "outbox")

        from .guests import ready as guests  # noqa: PLC0415
        from .life import ready as life  # noqa: PLC0415 - models come first

        life.register()
        guests.register()
