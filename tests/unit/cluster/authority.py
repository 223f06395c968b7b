"""Certificates for a server of the tests, as a cluster's own authority signs them."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs for names; `pem` is what a kubeconfig's certificate-authority-data holds."""

    def __init__(self, name: str = "kubernetes") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._own = self._signed(self._name, self._key, [x509.BasicConstraints(ca=True, path_length=None)])
        self.pem = self._own.public_bytes(serialization.Encoding.PEM)

    def certificate(self, name: str, days: int = 1) -> tuple[bytes, bytes]:
        """Certificate and key; of days below 0 they have ended."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._signed(subject, key, [x509.SubjectAlternativeName([x509.DNSName(name)])], days)
        plain = serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        return made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)

    def server(self, folder: Path, name: str = "localhost", days: int = 1) -> ssl.SSLContext:
        """What a server that shows it needs. It asks for a client's certificate, and takes those of this authority."""
        path = folder / f"{name}{days}.pem"
        path.write_bytes(b"".join(self.certificate(name, days)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.load_verify_locations(cadata=self.pem.decode())
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, marks: list[x509.ExtensionType], days: int = 1
    ) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=9))
        made = made.not_valid_after(now + timedelta(days=days))
        for mark in marks:
            made = made.add_extension(mark, critical=isinstance(mark, x509.BasicConstraints))
        return made.sign(self._key, hashes.SHA256())
