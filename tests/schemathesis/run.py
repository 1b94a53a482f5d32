#!/usr/bin/env python3
"""Asks a running broker whatever its own description allows, and much that it does not.

    python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
    cargo build && PATH=/tmp/schemathesis/bin:$PATH tests/schemathesis/run.py

It starts target/debug/countersign on free ports of 127.0.0.1 in a folder of its own, with a tenant
whose provider nobody reaches, takes an access token, and hands /openapi.json to schemathesis with
every check on. What it finds is a fault of the code or of the description. Further arguments go to
schemathesis: `--include-operation-id createAuthLink`, `--max-examples 500`, `--seed 1`.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
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


def write_files(folder):
    hashed = subprocess.run([PROGRAM, "secret", "hash"], input=SECRET, capture_output=True, text=True, check=True)
    subprocess.run([PROGRAM, "key", "new", "--out", folder / "keys.toml"], capture_output=True, check=True)
    (folder / "tenants").mkdir()
    (folder / "tenants/acme.toml").write_text(f"""
name = "Acme Bank"
hosts = ["127.0.0.1"]

[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "acme-client"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "https://id.example.com/auth"
token_url = "https://id.example.com/token"
whoami_url = "https://id.example.com/whoami"

[[client]]
client_id = "acme-bot"
secret_hash = "{hashed.stdout.strip()}"
grant_types = ["client_credentials"]
scopes = {json.dumps(scopes())}
""")


def start(folder, port):
    log = open(folder / "broker.log", "wb")
    broker = subprocess.Popen(
        [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--base-url", f"http://localhost:{port}",
         "--store", f"sqlite:{folder}/countersign.db", "--keys", folder / "keys.toml", "--tenants", folder / "tenants"],
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


def ask(origin, path, body, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(origin + path, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_files(folder)
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        broker = start(folder, port)
        try:
            grant = {"grant_type": "client_credentials", "client_id": "acme-bot", "client_secret": SECRET}
            token = ask(origin, "/v1/oauth/token", grant)["access_token"]
            for number in range(3):
                conversation = {"id": f"conv-{number}", "channel": "sms", "handle": "+15550100"}
                ask(origin, "/v1/auth-links", {"conversation": conversation}, token)
            told = subprocess.run([
                "schemathesis", "--config-file", ROOT / "tests/schemathesis/schemathesis.toml",
                "run", origin + "/openapi.json", *sys.argv[1:],
            ], cwd=folder, env={**os.environ, "TOKEN": token, "SECRET": SECRET})
            if broker.poll() is not None:
                print((folder / "broker.log").read_text()[-4000:])
                sys.exit("the broker ended in the middle")
            return told.returncode
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait(30)


if __name__ == "__main__":
    sys.exit(main())
