"""Incoming messages (Pesan masuk): three panes on a desk, one at a time on a phone."""

from __future__ import annotations

from django.urls import path

from tanggap.desk.inbox import acts, approvals, intake, question, sealed, thread, today

__all__ = ["today"]

urlpatterns = [
    path("", thread.listing, name="inbox-list"),
    path("periksa/", approvals.listing, name="inbox-approvals"),
    path("periksa/<int:pk>/", approvals.judge, name="inbox-judge"),
    path("balasan/<int:pk>/", approvals.rewrite, name="inbox-rewrite"),
    path("balasan/<int:pk>/pertanyaan/", question.one, name="inbox-question"),
    path("pertanyaan/", question.listing, name="inbox-questions"),
    path("masukkan/", intake.bring, name="inbox-intake"),
    path("karantina/", intake.quarantine, name="inbox-quarantine"),
    path("tertutup/", sealed.listing, name="inbox-sealed"),
    path("tertutup/pertanyaan/", question.sealed_listing, name="inbox-sealed-questions"),
    path("tertutup/<int:pk>/", sealed.thread, name="inbox-sealed-thread"),
    path("tertutup/<int:pk>/balas/", sealed.answer, name="inbox-sealed-reply"),
    path("tertutup/<int:pk>/pelapor/", sealed.reporter, name="inbox-sealed-reporter"),
    path("tertutup/balasan/<int:pk>/pertanyaan/", question.sealed, name="inbox-sealed-question"),
    path("saran/<int:pk>/", acts.suggestion, name="inbox-suggestion"),
    path("butir/<int:pk>/sembunyikan/", acts.hide, name="inbox-hide"),
    path("butir/<int:pk>/tampilkan/", acts.show, name="inbox-show"),
    path("butir/<int:pk>/minta-hapus/", acts.ask, name="inbox-ask"),
    path("butir/<int:pk>/buka/", thread.reveal, name="inbox-reveal"),
    path("<int:pk>/", thread.one, name="inbox-thread"),
    path("<int:pk>/balas/", thread.answer, name="inbox-reply"),
    path("<int:pk>/catatan/", acts.note, name="inbox-note"),
    path("<int:pk>/tugaskan/", acts.give, name="inbox-assign"),
    path("<int:pk>/tunda/", acts.put_off, name="inbox-snooze"),
    path("<int:pk>/selesai/", acts.done, name="inbox-done"),
    path("<int:pk>/label/", acts.label, name="inbox-label"),
    path("<int:pk>/hadir/", acts.present, name="inbox-presence"),
]
