"""Bytes to an API server and back: TLS, proxies, timeouts. One request, one answer; nothing is tried again here.

In: an `Access`, a request. Out: an open response, or `Unreachable` in words. By urllib3, which the kubernetes package uses
too; its own client costs half a second of imports. Next rooms: `client`, `execute`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kubenb.cluster.access import Access, read_again
from kubenb.cluster.credentials import Credentials
from kubenb.cluster.errors import Unreachable
from kubenb.cluster.proxies import manager, proxy_for
from kubenb.cluster.shortening import cut
from kubenb.cluster.streams import ENDER

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["CONNECT", "READ", "Transport", "proxy_for"]

CONNECT, READ = 5.0, 30.0
AT_ONCE = 64  # connections kept


class Transport:
    """Connections to one server; several threads may use it."""

    def __init__(self, access: Access) -> None:
        self.access, self.credentials = access, Credentials(access)
        self._pool: PoolManager | None = None
        self._certificate: bytes | None = None  # the one that the pool shows
        self._lock = threading.Lock()
        self.answered = False  # it has, once: a name that is not known then is a network that is away
        self._named = False  # whether the server's name was found
        self._here = threading.local()  # this thread's open request

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        read: float = READ,
        stop: threading.Event | None = None,
    ) -> BaseHTTPResponse:
        """`target`: path and query. `read`: seconds without a byte after which the connection is taken as lost. `stop` ends it."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        carried = {"Accept": "application/json", "User-Agent": "kubenb", **self.credentials.header(), **(headers or {})}
        self._here.stop, self._here.sock = stop, None
        try:
            if not self._named:
                self._look_up()
            response = self._connections().request(
                method,
                self.access.server + target,
                body=body,
                headers=carried,
                timeout=Timeout(connect=CONNECT, read=read),
                preload_content=False,
                retries=False,
                redirect=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            ENDER.forget(self._here.sock)
            self._named = False
            raise self.lost(error) from None
        self._named = self.answered = True
        return response

    def socket(self) -> socket.socket | None:
        """That of this thread's last request."""
        found: socket.socket | None = getattr(self._here, "sock", None)
        return found

    def renew(self) -> bool:
        """New credentials, after a 401: from the program or file that gave them, or from a kubeconfig that has changed."""
        if self.credentials.renew():
            return True
        fresh = read_again(self.access)
        if fresh is None or fresh == self.access:
            return False
        with self._lock:
            self.access, self.credentials, self._pool = fresh, Credentials(fresh), None
        return True

    def _look_up(self) -> None:
        """A name server that does not answer can't be interrupted: so its answer is awaited where Ctrl-C works."""
        from urllib.parse import urlsplit

        at = urlsplit(proxy_for(self.access) or self.access.server)
        if threading.current_thread() is not threading.main_thread() or not at.hostname:
            return
        asking = threading.Thread(target=_name, args=(at.hostname,), name="kubenb-name", daemon=True)
        asking.start()
        asking.join(CONNECT)
        if asking.is_alive():
            what = f"the name {at.hostname} was not found within {CONNECT:.0f} s"
            raise Unreachable(self.access.server, self.access.context, what, "Check the network (VPN?).")

    def _connections(self) -> PoolManager:
        with self._lock:
            if self._pool is None or self._certificate is not self.credentials.certificate:
                kept: dict[str, Any] = {"maxsize": AT_ONCE, "block": False}
                if self.access.server.startswith("https:"):
                    kept |= {"ssl_context": self.tls()}
                    if self.access.server_name:
                        kept |= {"server_hostname": self.access.server_name}
                self._pool, self._certificate = manager(self.access, kept), self.credentials.certificate
                self._show_sockets(self._pool)
            return self._pool

    def _show_sockets(self, made: PoolManager) -> None:
        """Every connection says which socket it is, before it waits for an answer: so that waiting can be ended."""
        pool: Any = made.connection_from_url(self.access.server)
        here, kind, insecure = self._here, pool.ConnectionCls, self.access.insecure

        class Shown(kind):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                super().connect()
                if insecure:
                    self.is_verified = (
                        True  # the kubeconfig wants it so: `kubenb doctor` says it once, not each request
                    )

            def getresponse(self) -> Any:
                here.sock = self.sock
                if here.stop is not None:
                    ENDER.mind(self.sock, here.stop)
                return super().getresponse()

        pool.ConnectionCls = Shown

    def tls(self) -> ssl.SSLContext:
        """Trusts the cluster's own authority, or the system's where the kubeconfig names none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.access.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif self.access.ca:
            context.load_verify_locations(cadata=self.access.ca.decode("ascii", "replace"))
        else:
            context.load_default_certs()
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what the kubeconfig names is trusted, a root or not
        if self.credentials.certificate and self.credentials.key:
            with _on_disk(self.credentials.certificate + b"\n" + self.credentials.key) as path:
                context.load_cert_chain(path)
        return context

    def lost(self, error: Exception) -> Unreachable:
        """What happened, in words; `hopeless` where the next try would end as this one."""
        what, fix, hopeless = _words(error, self.answered)
        return Unreachable(self.access.server, self.access.context, what, fix, hopeless)


@contextlib.contextmanager
def _on_disk(pem: bytes) -> Iterator[str]:
    """OpenSSL reads certificates from files only; this one nobody else can read, and it is gone at once."""
    with tempfile.NamedTemporaryFile(prefix="kubenb-", suffix=".pem") as file:  # mode 0600
        file.write(pem)
        file.flush()
        yield file.name


def _name(host: str) -> None:
    with contextlib.suppress(OSError, UnicodeError):
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


def _words(error: Exception, answered: bool) -> tuple[str, str, bool]:
    from urllib3 import exceptions as of

    inner = getattr(error, "reason", None) or error
    text = " ".join(str(inner).split())
    if isinstance(error, of.ProxyError):
        return (
            f"the proxy does not let it through ({cut(text, 160)})",
            "Check proxy-url in the kubeconfig, or HTTPS_PROXY.",
            False,
        )
    if isinstance(error, (of.SSLError, ssl.SSLError)) or isinstance(inner, ssl.SSLError):
        return _certificate(text)
    if isinstance(error, of.NameResolutionError):
        return "its name is not known", "Check the server in the kubeconfig, and the network (VPN?).", not answered
    if isinstance(error, of.NewConnectionError):  # is a ConnectTimeoutError too
        why = text.rpartition("] ")[2]
        return (
            "the connection was refused" if "refused" in why else f"there is no connection ({cut(why, 160)})",
            "Check whether the cluster runs, and the server in the kubeconfig.",
            False,
        )
    if isinstance(error, of.ConnectTimeoutError):
        return (
            f"no answer within {CONNECT:.0f} s",
            "Check the network (VPN, firewall), or whether the cluster runs.",
            False,
        )
    if isinstance(error, of.ReadTimeoutError):
        return "it stopped answering", "Check the network (VPN, firewall).", False
    if isinstance(error, (of.LocationParseError, of.LocationValueError, ValueError)):
        return f"its address can't be read ({cut(text, 160)})", "Check the server in the kubeconfig.", True
    return f"the connection was lost ({cut(text, 160)})", "Check the network.", False


def _certificate(text: str) -> tuple[str, str, bool]:
    if "EOF" in text:
        return "the connection was lost while TLS began", "Check the network, and whether the server is https.", False
    if "alert" in text.lower():  # the server's own word about us
        return f"it refuses our side of TLS ({cut(text, 160)})", "Check client-certificate in the kubeconfig.", True
    if "expired" in text:
        return "its certificate has expired", "Tell who runs the cluster, or look at the clock of this machine.", True
    if "mismatch" in text or "doesn't match" in text or "not valid for" in text:
        return (
            "its certificate is for another name",
            "Check the server in the kubeconfig, or set tls-server-name.",
            True,
        )
    if "signature failure" in text or "self-signed" in text or "unable to get local issuer" in text:
        return (
            "its certificate is signed by an authority that is not known",
            "Check certificate-authority in the kubeconfig.",
            True,
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"TLS failed ({cut(text, 160)})", "Check the certificates in the kubeconfig.", True
    return f"TLS failed ({cut(text, 160)})", "Check the server in the kubeconfig: is it https?", "WRONG_VERSION" in text
