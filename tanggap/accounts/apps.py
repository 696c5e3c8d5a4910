"""Tells the outbound door what this installation allows, once, at start."""

from django.apps import AppConfig
from django.conf import settings

from tanggap.core import http


class AccountsConfig(AppConfig):
    name = "tanggap.accounts"

    def ready(self) -> None:
        http.configure(private_hosts=settings.PRIVATE_HOSTS, proxy=settings.EGRESS_PROXY)
