#!/usr/bin/env python3
"""Asks a running broker whatever its own description allows, and much that it does not.

    python3 -m venv target/schemathesis && target/schemathesis/bin/pip install schemathesis
    cargo build && PATH=target/schemathesis/bin:$PATH tests/schemathesis/run.py

It starts target/debug/countersign on free ports of 127.0.0.1 in a folder of its own, with a provider
beside it that lets everybody in; makes a tenant by `/v1/tenants`, whose settings therefore can be
changed; signs three people in by links and a customer by an emailed code, so that there are contacts,
attempts, links in many states, a test login and a delivery; and hands the description to schemathesis
with every check on: first /openapi.json as the tenant's client and its customer, then the operator's
paths at the base domain. What it finds is a fault of the code or of the description. Further arguments go to schemathesis: `--max-examples 500`,
`--seed 1`. It takes some minutes and needs the package from PyPI, so ./check leaves it out.
"""

import base64
import http.cookiejar
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("COUNTERSIGN", ROOT / "target/debug/countersign"))
SECRET = "the-secret-of-the-schemathesis-run"
WEBHOOK = "whsec_" + base64.b64encode(b"the-secret-of-the-schemathesis-run").decode()
PUBLIC_KEY = "pk_dom_9f2c4e7a1b8d6350"
WEBSITE = "http://127.0.0.1:1"


# The stream of events does not end by itself, and a customer who has signed out is nobody to all other questions.
LEFT_OUT = ["followEvents", "clientLogout"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def scopes():
    """Every scope that the description names."""
    described = json.loads((ROOT / "docs/openapi.json").read_text())
    return list(described["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"])


class Provider(http.server.BaseHTTPRequestHandler):
    """Lets everybody in: each code is a new person."""

    people = 0

    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/auth":
            asked = urllib.parse.parse_qs(url.query)
            Provider.people += 1
            back = urllib.parse.urlencode({"code": f"code-{Provider.people}", "state": asked["state"][0]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri'][0]}?{back}")
            self.end_headers()
        else:
            n = Provider.people
            self.answer({"sub": f"person-{n}", "name": f"Person {n}", "email": f"person-{n}@example.com"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})

    def log_message(self, *_):
        pass


def write_files(folder):
    """The operator's client, letters in a folder, and limits that nobody meets."""
    hashed = subprocess.run([PROGRAM, "secret", "hash"], input=SECRET, capture_output=True, text=True, check=True)
    hashed = hashed.stdout.strip()
    subprocess.run([PROGRAM, "key", "new", "--out", folder / "keys.toml"], capture_output=True, check=True)
    limits = ["address_misses", "address_failures", "client_failures", "address_codes", "address_typed_codes", "customer_calls"]
    (folder / "countersign.toml").write_text(f"""
[mail]
url = "file:{folder}/letters"
from = "Acme Bank <login@acme.example>"

[limits]
{chr(10).join(f"{name} = 1000000" for name in limits)}

[[client]]
client_id = "operator"
secret_hash = "{hashed}"
grant_types = ["client_credentials"]
scopes = ["admin:all"]
""")
    (folder / "tenants").mkdir()
    (folder / "letters").mkdir()
    return hashed


def tenant(provider, hashed):
    """The tenant's settings, as the operator sends them."""
    return {
        "name": "Acme Bank",
        "hosts": ["127.0.0.1"],
        "binding": {"minimum": "none"},
        "providers": [{
            "id": "acme",
            "label": "Acme online banking",
            "clientId": "acme-client",
            "clientSecret": SECRET,
            "authorizeUrl": f"{provider}/auth",
            "tokenUrl": f"{provider}/token",
            "whoamiUrl": f"{provider}/whoami",
            "enrich": {"email": "suggest"},
        }],
        # The spare one is there to be changed and deleted.
        "clients": [{
            "clientId": name,
            "secretHash": hashed,
            "grantTypes": ["client_credentials"],
            "scopes": scopes(),
        } for name in ("runner", "spare")],
        "snippets": [{"id": "sign-in", "text": {"en": "Please sign in: {link}"}}],
        "webhooks": [{"id": "crm", "url": f"{provider}/hook", "secret": WEBHOOK}],
        "customers": {"emailCode": True},
        "websites": [{"publicKey": PUBLIC_KEY, "origins": [WEBSITE]}],
    }


def start(folder, port, provider):
    log = open(folder / "broker.log", "wb")
    broker = subprocess.Popen(
        [PROGRAM, "serve", "--config", folder / "countersign.toml", "--listen", f"127.0.0.1:{port}", "--base-url", f"http://localhost:{port}",
         "--store", f"sqlite:{folder}/countersign.db", "--keys", folder / "keys.toml", "--tenants", folder / "tenants",
         "--allow-egress", provider.removeprefix("http://")],
        cwd=folder, env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log,
    )
    for _ in range(600):
        if broker.poll() is not None:
            sys.exit(f"the broker ended at once:\n{(folder / 'broker.log').read_text()}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
            return broker
        except OSError:
            time.sleep(0.05)
    sys.exit("the broker does not answer")


def ask(origin, path, body=None, token=None, method=None, **more):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **more}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(origin + path, data, headers, method=method)
    try:
        return json.load(urllib.request.urlopen(request, timeout=10))
    except urllib.error.HTTPError as refused:
        sys.exit(f"{path}: {refused.code} {refused.read().decode()}")


def get_token(origin, client):
    grant = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET}
    return ask(origin, "/v1/oauth/token", grant)["access_token"]


def make_link(origin, token, name):
    conversation = {"id": name, "channel": "sms", "handle": "+15550100"}
    return ask(origin, "/v1/auth-links", {"conversation": conversation, "metadata": {"case": name}}, token)


def sign_in(origin, token, name):
    """Opens a link as a browser does; answers the contact."""
    link = make_link(origin, token, name)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    browser.open(urllib.request.Request(link["url"], b"", {"Origin": origin}), timeout=20).read()
    return ask(origin, f"/v1/auth-links/{link['id']}", None, token)["contactId"]


def sign_in_by_code(folder, origin, email):
    """A customer of the website; answers the access token."""
    who = {"publicKey": PUBLIC_KEY, "email": email}
    ticket = ask(origin, "/api/client/v1/otp/send", who, Origin=WEBSITE)["data"]["ticket"]
    for _ in range(200):
        letters = [path.read_text() for path in (folder / "letters").iterdir() if path.is_file()]
        letters = [letter for letter in letters if email in letter]
        codes = [code for letter in letters for code in re.findall(r"(?m)^Subject:.*?\b(\d{6})\b|^\s*(\d{6})\s*$", letter)]
        if codes:
            typed = {**who, "ticket": ticket, "code": codes[0][0] or codes[0][1]}
            return ask(origin, "/api/client/v1/otp/verify", typed, Origin=WEBSITE)["data"]["access_token"]
        time.sleep(0.05)
    sys.exit("no letter came")


def prepare(folder, origin, token):
    """What there is when the questions begin, by the names that schemathesis.toml has for it."""
    contacts = [sign_in(origin, token, f"conv-{number}") for number in range(3)]
    return {
        "CONTACT": contacts[0],
        "OTHER": contacts[1],
        "ERASED": contacts[2],
        "LINK": make_link(origin, token, "conv-open")["id"],
        "CANCELLED": make_link(origin, token, "conv-cancelled")["id"],
        "ATTEMPT": ask(origin, "/v1/attempts", None, token)["items"][0]["id"],
        "TEST": ask(origin, "/v1/providers/acme/test", None, token, "POST")["id"],
        "CUSTOMER": sign_in_by_code(folder, origin, "dana@example.com"),
        "WEBSITE": WEBSITE,
        "SECRET": SECRET,
        "TOKEN": token,
    }


def run(folder, schema, known, arguments):
    """Runs schemathesis with the ids of this run in its settings."""
    settings = (ROOT / "tests/schemathesis/schemathesis.toml").read_text()
    for name, value in known.items():
        settings = settings.replace(f"@{name}@", value)
    (folder / "schemathesis.toml").write_text(settings)
    command = ["schemathesis", "--config-file", folder / "schemathesis.toml", "run", *schema, *arguments]
    return subprocess.run(command, cwd=folder).returncode


def main():
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    provider = f"http://127.0.0.1:{listener.server_port}"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        hashed = write_files(folder)
        port = free_port()
        origin, base = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        broker = start(folder, port, provider)
        try:
            operator = get_token(base, "operator")
            ask(base, "/v1/tenants/acme", tenant(provider, hashed), operator, "PUT", **{"If-None-Match": "*"})
            known = prepare(folder, origin, get_token(origin, "runner"))
            tenants = "^/v1/tenants"
            asked = [origin + "/openapi.json", "--exclude-path-regex", tenants]
            asked += [word for name in LEFT_OUT for word in ("--exclude-operation-id", name)]
            failed = run(folder, asked, known, sys.argv[1:])
            known["TOKEN"] = operator
            described = [ROOT / "docs/openapi.json", "--url", base, "--include-path-regex", tenants]
            failed = run(folder, described, known, sys.argv[1:]) or failed
            if broker.poll() is not None:
                print((folder / "broker.log").read_text()[-4000:])
                sys.exit("the broker ended in the middle")
            return failed
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait(30)


if __name__ == "__main__":
    sys.exit(main())
