#!/usr/bin/env python3
"""Asks a running broker whatever its own description allows, and much that it does not.

    python3 -m venv target/schemathesis && target/schemathesis/bin/pip install schemathesis
    cargo build && PATH=target/schemathesis/bin:$PATH tests/schemathesis/run.py

It starts target/debug/countersign on free ports of 127.0.0.1 in a folder of its own, with a provider
beside it that lets everybody in; signs three people in, so that there are contacts, attempts and
links in many states; and hands the description to schemathesis with every check on: first
/openapi.json as the tenant's client, then the operator's paths at the base domain. What it finds is a
fault of the code or of the description. Further arguments go to schemathesis: `--max-examples 500`,
`--seed 1`. It takes about two minutes and needs the package from PyPI, so ./check leaves it out.
"""

import http.cookiejar
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("COUNTERSIGN", ROOT / "target/debug/countersign"))
SECRET = "the-secret-of-the-schemathesis-run"


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


def write_files(folder, provider):
    hashed = subprocess.run([PROGRAM, "secret", "hash"], input=SECRET, capture_output=True, text=True, check=True)
    hashed = hashed.stdout.strip()
    subprocess.run([PROGRAM, "key", "new", "--out", folder / "keys.toml"], capture_output=True, check=True)
    (folder / "countersign.toml").write_text(f"""
[[client]]
client_id = "operator"
secret_hash = "{hashed}"
grant_types = ["client_credentials"]
scopes = ["admin:all"]
""")
    (folder / "tenants").mkdir()
    (folder / "tenants/acme.toml").write_text(f"""
name = "Acme Bank"
hosts = ["127.0.0.1"]
[binding]
minimum = "none"

[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "acme-client"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "{provider}/auth"
token_url = "{provider}/token"
whoami_url = "{provider}/whoami"
[provider.enrich]
email = "suggest"

[[client]]
client_id = "acme-bot"
secret_hash = "{hashed}"
grant_types = ["client_credentials"]
scopes = {json.dumps(scopes())}
""")


def start(folder, port, provider):
    log = open(folder / "broker.log", "wb")
    broker = subprocess.Popen(
        [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--base-url", f"http://localhost:{port}",
         "--store", f"sqlite:{folder}/countersign.db", "--keys", folder / "keys.toml", "--tenants", folder / "tenants",
         "--allow-egress", provider.removeprefix("http://")],
        cwd=folder, env={"ACME_SECRET": "x", "PATH": os.environ["PATH"]}, stdout=log, stderr=log,
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


def ask(origin, path, body=None, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    return json.load(urllib.request.urlopen(urllib.request.Request(origin + path, data, headers), timeout=10))


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


def prepare(origin, token):
    """What there is when the questions begin, by the names that schemathesis.toml has for it."""
    contacts = [sign_in(origin, token, f"conv-{number}") for number in range(3)]
    return {
        "CONTACT": contacts[0],
        "OTHER": contacts[1],
        "ERASED": contacts[2],
        "LINK": make_link(origin, token, "conv-open")["id"],
        "CANCELLED": make_link(origin, token, "conv-cancelled")["id"],
        "ATTEMPT": ask(origin, "/v1/attempts", None, token)["items"][0]["id"],
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
        write_files(folder, provider)
        port = free_port()
        origin, base = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        broker = start(folder, port, provider)
        try:
            known = prepare(origin, get_token(origin, "acme-bot"))
            tenants = "^/v1/tenants"
            failed = run(folder, [origin + "/openapi.json", "--exclude-path-regex", tenants], known, sys.argv[1:])
            known["TOKEN"] = get_token(base, "operator")
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
