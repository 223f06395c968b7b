"""Who asks, in headers: tokens, token files, passwords, and programs that hand out short-lived ones.

In: an `Access`. Out: the Authorization header, and a client certificate where a program gives one; new after `renew`, when
a server said 401. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
Next room: `transport`.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kubenb.cluster.access import Access
from kubenb.cluster.errors import Unreachable

EARLY = 60.0  # seconds before its end a token is taken as ended
FILE_HOLDS = 30.0  # seconds for which a token file is not read again: the kubelet renews it in place
PROGRAM_MAY_TAKE = 60


class Credentials:
    """One user's; safe to ask from several threads."""

    def __init__(self, access: Access) -> None:
        self.access, self.user = access, access.user
        self.certificate, self.key = access.certificate, access.key
        self._header: dict[str, str] = {}
        self._until = 0.0  # of the monotonic clock
        self._lock = threading.Lock()

    def header(self) -> dict[str, str]:
        """What each request carries. Raises Unreachable where a program gives no token."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._header, self._until = self._made()
                self._header = {**self._header, **self._as_another()}
            return self._header

    def renew(self) -> bool:
        """Forgets what it has; False where asking again would give the same."""
        with self._lock:
            self._until = 0.0
        return any(name in self.user for name in ("tokenFile", "exec", "auth-provider"))

    def _as_another(self) -> dict[str, str]:
        """The kubeconfig may act as somebody else (`as:`); whoever that is, it is never left out."""
        user = self.user
        groups = user.get("as-groups") or ()
        if len(groups) > 1 or user.get("as-user-extra"):
            raise self._no("its user acts as somebody else with several groups or extras, which kubenb does not do")
        found = {"Impersonate-User": user.get("as"), "Impersonate-Uid": user.get("as-uid")}
        found["Impersonate-Group"] = groups[0] if groups else None
        return {name: str(value) for name, value in found.items() if value}

    def _made(self) -> tuple[dict[str, str], float]:
        user, now = self.user, time.monotonic()
        if "exec" in user:
            return self._from_program(user["exec"])
        if "auth-provider" in user:
            return _bearer(self._from_package()), now + FILE_HOLDS
        if user.get("tokenFile"):
            path = self.access.folder / Path(str(user["tokenFile"])).expanduser()
            try:
                return _bearer(path.read_text().strip()), now + FILE_HOLDS
            except OSError as error:
                raise self._no(f"the token file {path} can't be read ({error.strerror})") from None
        if user.get("token"):
            return _bearer(str(user["token"])), float("inf")
        if user.get("username"):
            pair = f"{user['username']}:{user.get('password', '')}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}, float("inf")
        return {}, float("inf")

    def _from_program(self, spec: dict[str, Any]) -> tuple[dict[str, str], float]:
        """Asks the program that the user's own kubeconfig names, as client-go does."""
        import subprocess

        version = str(spec.get("apiVersion", "client.authentication.k8s.io/v1"))
        told = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
        if spec.get("provideClusterInfo"):
            told["spec"]["cluster"] = {"server": self.access.server}  # type: ignore[index]
        env = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(told)}
        env |= {str(pair["name"]): str(pair["value"]) for pair in spec.get("env") or ()}
        command = str(spec.get("command", ""))
        own = self.access.folder / command
        words = [str(own) if os.sep in command else command, *map(str, spec.get("args") or ())]
        try:
            done = subprocess.run(
                words, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROGRAM_MAY_TAKE, check=False
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode("utf-8", "replace").strip()[-300:]
            what = f"{command}, which the kubeconfig asks for a token, did not end within {PROGRAM_MAY_TAKE} s"
            raise self._no(f"{what}: {said}" if said else what) from None
        except OSError as error:
            hint = f" {spec['installHint']}" if spec.get("installHint") else ""
            raise self._no(f"{command}, which the kubeconfig asks for a token, can't be run ({error}).{hint}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-300:]
            raise self._no(f"{command}, which the kubeconfig asks for a token, ended with {done.returncode}: {said}")
        return self._given(command, done.stdout)

    def _given(self, command: str, text: bytes) -> tuple[dict[str, str], float]:
        try:
            status = json.loads(text)["status"]
            ends = status.get("expirationTimestamp")
            left = _seconds_until(str(ends)) - EARLY if ends else float("inf")
        except (ValueError, KeyError, TypeError):
            raise self._no(f"{command}, which the kubeconfig asks for a token, printed no ExecCredential") from None
        if status.get("clientCertificateData"):
            self.certificate = str(status["clientCertificateData"]).encode()
            self.key = str(status.get("clientKeyData", "")).encode()
        header = _bearer(str(status["token"])) if status.get("token") else {}
        return header, time.monotonic() + max(left, 1.0)

    def _from_package(self) -> str:
        """An `auth-provider` (OIDC and older): the kubernetes package knows them, and how to renew them."""
        try:
            from kubernetes import client, config
        except ImportError:
            raise self._no("its auth-provider needs the package kubernetes (pip install kubenb[cluster])") from None
        made = client.Configuration()
        load: Any = config.load_kube_config
        load(config_file=self.access.source or None, context=self.access.context, client_configuration=made)
        text = str(made.get_api_key_with_prefix("authorization") or made.get_api_key_with_prefix("BearerToken") or "")
        return text.removeprefix("Bearer ")

    def _no(self, what: str) -> Unreachable:
        return Unreachable(self.access.server, self.access.context, what, "Log in again, as you do for kubectl.", True)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _seconds_until(text: str) -> float:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime.now(timezone.utc)).total_seconds()
