"""Finds passwords, keys and tokens in a cell's text before they reach a DAG folder, a pod's text and a git history.

In: text. Out: (line, kind) of each find. Twenty kinds by their own shape, and assignments, options and commands that
name a secret in clear. A line that ends in `# kubenb: no secret` (or detect-secrets' `# pragma: allowlist secret`) is
taken at its word. Next room: `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log2

# One look at a whole cell: what matches none of these holds nothing to look closer at.
_MAYBE = re.compile(
    r"A(?:KI|SI|IZ)A|AIza|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hooks\.slack|PRIVATE KEY|eyJ|[sr]k[-_]|dapi|dop_v1_|"
    r"://[^/\s:@'\"]*:[^@\s/]+@|AccountKey|SharedAccess|pypi-|npm_|SG\.|hf_|AC[0-9a-f]{32}|"
    r"(?i:passw|passphrase|pwd|secret|token|api_?key|access_?key|auth|bearer|credential|\bcurl\b)"
)
_ALLOWED = re.compile(r"#\s*(?:kubenb:\s*no secret|pragma:\s*allowlist secret)", re.IGNORECASE)

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("a GitHub token", r"\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{40,})"),
        ("a GitLab token", r"\bglpat-[0-9A-Za-z_-]{18,}"),
        ("a Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
        ("a Slack webhook", r"hooks\.slack\.com/(?:services|workflows)/[0-9A-Za-z/]{20,}"),
        ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
        ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
        ("a JSON Web Token", r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]{5,}"),
        ("a Stripe key", r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}"),
        ("an API key (sk-…)", r"\bsk-(?:[a-z]+[0-9]*-)*(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{20,}"),
        ("a Databricks token", r"\bdapi[0-9a-f]{32}\b"),
        ("a DigitalOcean token", r"\bdop_v1_[0-9a-f]{60,}"),
        ("an Azure storage key", r"AccountKey=[0-9A-Za-z+/]{40,}={0,2}|SharedAccessSignature=\S{20,}"),
        ("a PyPI token", r"\bpypi-[0-9A-Za-z_-]{50,}"),
        ("an npm token", r"\bnpm_[0-9A-Za-z]{36}\b"),
        ("a SendGrid key", r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
        ("a Hugging Face token", r"\bhf_[0-9A-Za-z]{30,}\b"),
        ("a Twilio account's secret", r"\bAC[0-9a-f]{32}\b.{0,80}\b[0-9a-f]{32}\b"),
    )
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://(?P<user>[^\s/:@'\"]*):(?P<value>[^\s/@'\"]+)@", re.IGNORECASE)
_BEARER = re.compile(r"\b(?:Bearer|Basic|Token)\s+(?P<value>[0-9A-Za-z+/_.~-]{16,}={0,2})")
_FLAG = re.compile(
    r"(?:--(?:password|passwd|token|api-key|secret)[= ]|(?:^|\s)-u\s*[\w.@-]+:)(?P<quote>['\"]?)(?P<value>[^\s'\"]+)(?P=quote)"
)
_WORDS = (
    "password|passwd|pwd|passphrase|secret|token|api_?key|access_?key|private_?key|auth_?key|secret_?key|credentials?"
)
_NAME = rf"(?P<name>[\w.\-]*(?:{_WORDS}))"
_ASSIGNED = re.compile(
    rf"{_NAME}['\"\]]*\s*(?::\s*\w+\s*)?(?:=(?!=)|:|,|\))\s*"
    r"(?:[rbuRBU]{0,2}(?P<quote>['\"]{1,3})(?P<quoted>[^'\"\n]{4,})(?P=quote))",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?:^\s*%(?:set_)?env\s+|^\s*#\|\s*(?:env|annotation|label):\s*|--env[= ]['\"]?|\bexport\s+)"
    rf"{_NAME}\s*[= ]\s*['\"]?(?P<quoted>[^\s'\"]{{4,}})",
    re.IGNORECASE,
)

_PLACEHOLDER = re.compile(
    r"(?i)^(?:[x*.\-_#0]+|<.*>|\[.*\]|\{.*\}|\$.*|%.*|none|null|true|false|todo|change_?me|"
    r"replace.*|your[-_ ].*|my[-_ ]?(?:secret|password|token).*|"
    r"example.*|dummy.*|fake.*|test(?:ing)?|secret|password|passwd|token|user(?:name)?|pass|redacted|hidden|\.\.\.|…)$"
)


def find_secrets(text: str) -> tuple[tuple[int, str], ...]:
    """(line from 1, what it looks like), each line once.

    >>> find_secrets("x = 1\\npassword = 'hunter2!'")
    ((2, 'a password'),)
    """
    if not _MAYBE.search(text):
        return ()
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        if _MAYBE.search(line) and not _ALLOWED.search(line):
            kind = next(_kinds(line[:20_000]), None)
            if kind:
                found[number] = kind
    return tuple(found.items())


def known_shapes(text: str) -> tuple[str, ...]:
    """Kinds of secrets that are known by their own shape, or stand in an address or header: what an output may show."""
    if not text or not _MAYBE.search(text):
        return ()
    shapes = [kind for kind, shape in _SHAPES if shape.search(text)]
    lines = [line[:20_000] for line in text.split("\n") if _MAYBE.search(line)]
    return tuple(dict.fromkeys([*shapes, *(kind for line in lines for kind in _in_addresses(line))]))


def named_secret(name: str, value: str) -> bool:
    """Whether a variable of this name holds a secret in clear (`DB_PASSWORD=hunter2`)."""
    return bool(re.fullmatch(_NAME, name, re.IGNORECASE)) and _secretive(name, value)


def _kinds(line: str) -> Iterator[str]:
    for kind, shape in _SHAPES:
        if shape.search(line):
            yield kind
    yield from _in_addresses(line)
    for match in _FLAG.finditer(line):
        if line.lstrip().startswith(("%k8s_", "%%k8s_")) and not _secretive("password", match["value"]):
            continue  # our own --secret takes a secret's name
        if not _PLACEHOLDER.match(match["value"]) and "{" not in match["value"]:
            yield "a password on a command line"
    for pattern in (_ASSIGNED, _BARE):
        for match in pattern.finditer(line):
            if _secretive(match["name"], match["quoted"]):
                yield "a password" if re.search(r"(?i)pass|pwd", match["name"]) else "a secret"


def _in_addresses(line: str) -> Iterator[str]:
    for match in _URL.finditer(line):
        if not _PLACEHOLDER.match(match["value"]) and "{" not in match["value"]:
            yield "an address with its password"
    for match in _BEARER.finditer(line):
        if any(char.isdigit() for char in match["value"]) and _entropy(match["value"]) > 3:
            yield "an authorization header"


def _secretive(name: str, value: str) -> bool:
    """Whether a value under such a name is one that somebody must not read: no placeholder, no field, no words."""
    value = value.strip()
    if _PLACEHOLDER.match(value) or "{" in value or value.lower() == name.lower() or re.search(r"\s", value):
        return False
    if value.startswith(("/", "./", "~")):
        return False
    strange = any(char.isdigit() for char in value) or not value.isalnum()
    if re.search(r"(?i)pass|pwd", name):
        return (
            len(value) >= 6
            and (strange or _entropy(value) > 2.8)
            and not re.fullmatch(r"[a-z]+(?:[-_./][a-z]+)*", value)
        )
    return len(value) >= 10 and any(char.isdigit() for char in value) and _entropy(value) > 2.8


def _entropy(text: str) -> float:
    """Bits a character."""
    return -sum(share * log2(share) for share in (text.count(char) / len(text) for char in set(text)))
