"""Secrets in clear: every kind is found wherever a cell can hold it, and ordinary code raises no alarm."""

from __future__ import annotations

import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from kubenb.export.checks import check
from kubenb.export.secrets import find_secrets, named_secret
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Cell, Task
from kubenb.model.problems import Place
from kubenb.model.values import KeyValue
from tests.unit.export.pipelines import flights, pipeline

# Put together here, so that no scanner of this repository takes them for real ones.
AWS, GITHUB, SLACK = "AKIA" + "IOSFODNN7EXAMPLX", "ghp_" + "a1B2" * 9, "xoxb-" + "1234567890-abcdefghij"
DATABRICKS, OPENAI, STRIPE = "dapi" + "0a1b" * 8, "sk-" + "proj-" + "a1B2c3D4" * 4, "sk_live_" + "a1B2" * 6
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0.abcDEF123"
SEEDS = {
    "aws": AWS,
    "github": GITHUB,
    "gitlab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "slack": SLACK,
    "webhook": "https://hooks.slack.com/services/" + "T0000/B0000/" + "a1B2c3D4" * 3,
    "google": "AIza" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R",
    "pem": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "jwt": JWT,
    "stripe": STRIPE,
    "openai": OPENAI,
    "databricks": DATABRICKS,
    "postgres": "postgresql://reader:" + "s3cret@db/prices",
    "azure": "AccountKey=" + "a1B2c3D4" * 10 + "==",
    "sendgrid": "SG." + "a1B2c3D4e5F6g7H8." + "a1B2c3D4e5F6g7H8i9",
    "hugging face": "hf_" + "a1B2c3D4" * 4 + "xy",
    "npm": "npm_" + "a1B2c3D4e5F6" * 3,
    "pypi": "pypi-" + "a1B2c3D4e5" * 6,
}
FORMS = [
    "key = '{}'",
    'client = Client("{}")',
    "%env KEY={}",
    "!curl -H 'X-Key: {}' https://x",
    "#| env: KEY={}",
    "# {}",
    "x = 1; y = f('{}', 2)",
]


@pytest.mark.parametrize("kind", SEEDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_known_shape_is_found_in_every_form(kind: str, form: str) -> None:
    assert [line for line, _ in find_secrets(f"import os\n{form.format(SEEDS[kind])}\nprint(1)")] == [2]


NAMED = [
    "password = 'hunter2'",
    "PASSWORD: str = 'tr0ub4dor&3'",
    "db_password='Summer2026'",
    'connect(host, password="S3cret!x")',
    "d = {'password': 'S3cret!x'}",
    "os.environ['DB_PASSWORD'] = 'S3cret!x'",
    "os.environ.setdefault('API_KEY', 'abcd1234efgh5678')",
    "api_key = 'abcd1234efgh5678'",
    'token = "0123456789abcdef"',
    "%env DB_PASSWORD=hunter22",
    "%env API_TOKEN abcd1234efgh5678",
    "%set_env SECRET=abcd1234efgh5678",
    "#| env: DB_PASSWORD=hunter22",
    "%%k8s_task a --env DB_PASSWORD=hunter22",
    "%%k8s_task a --secret hunter22",
    "!curl -u ana:hunter22 https://example.com",
    '!curl -H "Authorization: Bearer abcd1234efgh5678" https://example.com',
    "requests.get(url, headers={'Authorization': 'Bearer abcd1234efgh5678'})",
    "!mysql --password=hunter22",
    "!export TOKEN=abcd1234efgh5678",
]


@pytest.mark.parametrize("line", NAMED)
def test_a_named_secret_is_found(line: str) -> None:
    assert find_secrets(line)


INNOCENT = [
    "token = tokenizer(text)",
    "password = os.environ['DB_PASSWORD']",
    "password = getpass('Your password: ')",
    "#| secret: warehouse/password -> WAREHOUSE_PASSWORD",
    "df['token'] = '[CLS]'",
    "for token in tokens:",
    "url = f'postgresql://{user}:{password}@{host}'",
    "url = 'postgresql://user:password@localhost/db'",
    "api_key = 'YOUR_API_KEY'",
    "api_key = '<your key here>'",
    "password = 'changeme'",
    "secret = 'db/password'",
    "assert token == 'end of file'",
    "credentials = 'service_account.json'",
    "!curl -H 'Authorization: Bearer $TOKEN' https://x",
    "!curl -u $USER:$PASSWORD https://x",
    "#| google-key: gcp-sa/key.json",
    '%%k8s_task a --secret "db"',
    "%k8s_container a --image b --secret 'warehouse/password -> PASSWORD'",
    "pwd = '/home/ana'",
    "password = 'hunter2'  # kubenb: no secret",
    "password = 'hunter2'  # pragma: allowlist secret",
    "print('the password is wrong')",
    "key = 'customer_id'",
    "passport = 'A1234567'",
]


@pytest.mark.parametrize("line", INNOCENT)
def test_ordinary_code_raises_no_alarm(line: str) -> None:
    assert find_secrets(line) == ()


def test_the_standard_library_raises_hardly_an_alarm() -> None:
    folder = Path(sysconfig.get_paths()["stdlib"])
    alarms = lines = 0
    for path in sorted(folder.glob("*.py"))[:150]:
        text = path.read_text("utf-8", "replace")
        lines += text.count("\n")
        alarms += len(find_secrets(text))
    assert lines > 50_000
    assert alarms <= lines / 8 / 1000, "one alarm in a thousand cells of eight lines"


def test_variables_by_their_names() -> None:
    assert named_secret("DB_PASSWORD", "hunter22")
    assert not named_secret("DB_PASSWORD", "{{ conn.db.password }}")
    assert not named_secret("PASSWORD_FILE", "/run/secrets/db")
    assert not named_secret("LEVEL", "info42info")


def test_a_secret_that_an_output_shows_is_found() -> None:
    made = flights()
    cells = (*made.notebook.cells, Cell(3, "code", "print(x)", output="token ghp_" + "a1B2" * 9))
    found = check(replace(made, notebook=replace(made.notebook, cells=cells)))
    assert [(problem.where.cell, problem.code) for problem in found] == [(3, "secret.output")]


def test_a_secret_from_the_settings_is_found() -> None:
    one = Task(
        "one",
        TaskOptions(image="x", env=(KeyValue("DB_PASSWORD", "hunter22"),)),
        where=Place(3, 2, "one"),
        origins={"env": "kubenb.toml"},
    )
    assert "from kubenb.toml" in next(
        problem.what for problem in check(pipeline(one)) if problem.code == "secret.clear"
    )
