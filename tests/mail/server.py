"""A mail server for the tests, on a free port of 127.0.0.1.

What it is to do stands in its one argument, as JSON:
  tls       "none", "start" (TLS from the first byte) or "starttls"
  cert, key files of its certificate and key, where it speaks TLS
  user, password  who may send; nobody need say so if they are left out
  slow      the command before which it waits for a minute: "EHLO", "MAIL", "RCPT" or "DATA"

It prints lines of JSON: {"port": N} as soon as it listens, then one per message. Addresses that begin with `nobody` are
refused for good; those that begin with `busy` once, for now.
"""

import asyncio
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def tell(line):
    print(json.dumps(line), flush=True)


class Handler:
    def __init__(self, orders):
        self.slow = orders.get("slow")
        self.busy = set()

    async def wait(self, command):
        if self.slow == command:
            await asyncio.sleep(60)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await self.wait("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        await self.wait("MAIL")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await self.wait("RCPT")
        if address.startswith("nobody"):
            return f"550 5.1.1 <{address}>: no such mailbox"
        if address.startswith("busy") and address not in self.busy:
            self.busy.add(address)
            return f"451 4.7.1 <{address}>: come back later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await self.wait("DATA")
        tell({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
            "tls": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "authenticated": bool(session.authenticated),
            "name": session.host_name,
        })
        return "250 taken"


async def main(orders):
    context = None
    if orders["tls"] != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(orders["cert"], orders["key"])
    wants_login = "user" in orders

    def authenticate(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (
            orders["user"].encode(),
            orders["password"].encode(),
        )
        return AuthResult(success=good, handled=False)

    # It says on its own that a login without STARTTLS is unwise; here TLS is there from the first byte.
    warnings.simplefilter("ignore")
    logging.disable()
    handler = Handler(orders)

    def serve():
        return SMTP(
            handler,
            hostname="mail.test",
            tls_context=context if orders["tls"] == "starttls" else None,
            require_starttls=orders["tls"] == "starttls",
            authenticator=authenticate if wants_login else None,
            auth_required=wants_login,
            auth_require_tls=orders["tls"] == "starttls",
        )

    server = await asyncio.get_running_loop().create_server(
        serve, "127.0.0.1", 0, ssl=context if orders["tls"] == "start" else None
    )
    tell({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main(json.loads(sys.argv[1])))
