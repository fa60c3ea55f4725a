from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from accounts import checks, proof  # noqa: F401 (registers it)

        # However somebody signs in, they have just proven who they are.
        user_logged_in.connect(lambda request, **told: proof.prove(request), weak=False)
