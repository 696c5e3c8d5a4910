"""Monitoring and evaluation: the return table with its rows, files, the page for the head."""

from __future__ import annotations

from django.urls import path

from tanggap.desk.monitoring import behind, cards, evaluation, files, table

__all__ = ["cards", "urlpatterns"]

urlpatterns = [
    path("", table.listing, name="monitoring-list"),
    path("angka/<slug:key>/", table.evidence, name="monitoring-evidence"),
    path("isi/<slug:what>/", behind.rows, name="monitoring-behind"),
    path("tenggat/", behind.owed, name="monitoring-owed"),
    path("keputusan/", behind.waits, name="monitoring-waits"),
    path("suara/", table.heard, name="monitoring-heard"),
    path("unduh/", files.export, name="monitoring-export"),
    path("cetak/", table.printed, name="monitoring-report"),
    path("analitik/", files.analytics, name="monitoring-analytics"),
    path("evaluasi/", evaluation.listing, name="monitoring-evaluations"),
    path("evaluasi/rencana/<int:pk>/", evaluation.start, name="monitoring-evaluate"),
    path("evaluasi/<int:pk>/", evaluation.one, name="monitoring-evaluation"),
    path("evaluasi/<int:pk>/tutup/", evaluation.finish, name="monitoring-close"),
]
