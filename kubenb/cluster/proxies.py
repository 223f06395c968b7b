"""Which proxy stands before an API server, if any, and the connections through it.

In: an `Access`, the environment. Out: a proxy's address, or None; urllib3's pool. As kubectl has it: the kubeconfig's
`proxy-url`, else HTTPS_PROXY and HTTP_PROXY; NO_PROXY takes hosts, domains and ranges out; nothing on this machine is
asked through a proxy. Next room: `transport`.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from kubenb.cluster.access import Access
from kubenb.cluster.errors import Unreachable

if TYPE_CHECKING:
    from urllib3 import PoolManager


def proxy_for(access: Access) -> str | None:
    """Its address, with the password that it may hold: for connections, never for messages."""
    if access.proxy:
        return access.proxy
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    at = urlsplit(access.server)
    host = at.hostname or ""
    if proxy_bypass(f"{host}:{at.port}" if at.port else host) or _left_out(host):
        return None
    found = getproxies().get(at.scheme)
    return found if not found or "://" in found else f"http://{found}"


def _left_out(host: str) -> bool:
    """This machine itself, and addresses in a range of NO_PROXY (10.0.0.0/8), which Python does not know."""
    from ipaddress import ip_address, ip_network

    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    ranges = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    for text in ranges:
        try:
            if "/" in text and address in ip_network(text.strip(), strict=False):
                return True
        except ValueError:
            continue
    return address.is_loopback


def manager(access: Access, kept: dict[str, Any]) -> PoolManager:
    """Connections to the server: its own, or through the proxy."""
    from urllib3 import PoolManager, ProxyManager, make_headers
    from urllib3.util import parse_url

    proxy = proxy_for(access)
    if not proxy:
        return PoolManager(**kept)
    if proxy.startswith("socks"):
        return _socks(access, proxy, kept)
    auth = parse_url(proxy).auth
    from urllib.parse import unquote

    headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else {}
    return ProxyManager(proxy, proxy_headers=headers, **kept)


def _socks(access: Access, proxy: str, kept: dict[str, Any]) -> PoolManager:
    """Names are looked up at the proxy, as Go does."""
    try:
        importlib.import_module("socks")
    except ImportError:
        what = "the kubeconfig's proxy speaks SOCKS, which needs the package PySocks"
        raise Unreachable(access.server, access.context, what, "pip install PySocks.", True) from None
    from urllib3.contrib.socks import SOCKSProxyManager

    return SOCKSProxyManager("socks5h://" + proxy.partition("://")[2], **kept)
