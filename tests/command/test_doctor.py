"""`tanggap doctor`: what is wrong with a real database and real files, and how to mend it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import translation

from tanggap import doctor
from tanggap.core import clock, secrets
from tanggap.execution.publishing import start
from tanggap.health import beat
from tanggap.health.findings import Finding


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings) -> Iterator[None]:
    before = settings.KEY_FILE
    settings.HOME = tmp_path
    settings.KEY_FILE = tmp_path / "keys.json"
    secrets.use(settings.KEY_FILE)
    with translation.override("en"):
        yield
    secrets.use(before)


def said(part: str) -> Finding:
    (found,) = [finding for finding in doctor.examine() if part in finding.text]
    assert found.well or found.fix, f"{found.text} does not say what to do"
    return found


@pytest.mark.django_db
def test_a_silent_worker_is_told():
    now = clock.now()
    assert not said("No worker has run here").well
    beat.done("tanggap.archive.seal.seal", 2, took_ms=1, now=now - timedelta(seconds=900))
    assert not said("The worker last did something 15 minutes ago").well
    beat.done("tanggap.archive.seal.seal", 2, took_ms=1, now=now)
    assert said("The worker is at work").well
    beat.failed("tanggap.worker.tidy", 3600, KeyError("isi rahasia"), now=now)
    assert "1 failures in a row (KeyError)" in said("Tidying up: never succeeded").text


@pytest.mark.django_db
def test_nobody_who_can_sign_in(member):
    assert "tanggap admin create" in said("Nobody can sign in").fix
    member("lead")
    assert said("1 person can sign in").well


@pytest.mark.django_db
def test_a_copied_installation_is_told_before_and_after_its_worker_has_run(settings, tmp_path):
    start.here(datetime.now(UTC))
    assert said("Sending is on").well
    settings.HOME = tmp_path / "copy"
    assert "tanggap sending on" in said("sent from another place").fix
    start.here(datetime.now(UTC))
    assert not said("sent from another place").well


@pytest.mark.django_db
def test_a_key_file_that_others_can_read(settings):
    settings.KEY_FILE.write_text("{}")
    settings.KEY_FILE.chmod(0o640)
    assert "chmod 600" in said("keys of credentials").fix
    settings.KEY_FILE.chmod(0o600)
    assert said("keys of credentials").well


@pytest.mark.django_db
def test_mail_that_is_only_printed_matters_on_a_public_address(settings, monkeypatch):
    monkeypatch.setattr(doctor, "certificate", lambda now: iter(()))
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert said("E-mail is printed").well
    settings.PUBLIC_URL = "https://medsos.example.go.id"
    assert not said("E-mail is printed").well


@pytest.mark.django_db
def test_every_finding_has_its_indonesian():
    with translation.override("en"):
        english = doctor.examine()
    with translation.override("id"):
        indonesian = doctor.examine()
    assert [one.code for one in english] == [one.code for one in indonesian]
    same = [
        one.text
        for one, other in zip(english, indonesian, strict=True)
        if one.text == other.text and one.code != "database"
    ]
    assert same == []


# --- the certificate -----------------------------------------------------------------------------


class Nothing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


def made(folder: Path, days: int) -> tuple[Path, Path]:
    """A certificate of localhost that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=40))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "certificate.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.parametrize(("days", "trusted"), [(60, True), (5, True), (60, False), (-2, True)])
def test_the_certificate_that_a_browser_sees(days, trusted, tmp_path, settings):
    certificate, key = made(tmp_path, days)
    about = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    about.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Nothing)
    server.socket = about.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.PUBLIC_URL = f"https://localhost:{server.server_address[1]}"
    try:
        trust = str(certificate) if trusted else None
        (found,) = doctor.certificate(datetime.now(UTC), cafile=trust)
    finally:
        server.shutdown()
        server.server_close()
    if trusted and days > 0:
        assert found.text == f"The certificate of localhost holds for {days} days."
        assert found.well is (days == 60)
    else:
        assert not found.well and "do not trust" in found.text and "Renew" in found.fix


def test_nothing_answers_at_the_public_address(settings):
    settings.PUBLIC_URL = "https://localhost:1"
    (found,) = doctor.certificate(datetime.now(UTC))
    assert not found.well and "Nothing answers" in found.text


def test_an_address_without_encryption_has_no_certificate(settings):
    assert list(doctor.certificate(datetime.now(UTC))) == []
