"""An OpenID provider in this process, over HTTP on this machine; it can be told to lie."""

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "chronos", "a secret of the client's"


class Provider:
    """Signs in whoever `claims` says; what is put into `lies` stands in the token instead of the truth."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = self.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
        self.alg = "RS256"
        self.claims = {"sub": "alice-1", "email": "alice@example.com", "email_verified": True}
        self.lies = {}
        self.says = {}
        self.userinfo = None
        self.asked = {}
        self.codes = {}

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **({"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.userinfo else {}),
            **self.says,
        }

    def authorize(self, query):
        """The address that the browser is led back to, with a code for what was asked."""
        self.asked = {name: values[0] for name, values in parse_qs(query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = self.asked
        return f"{self.asked['redirect_uri']}?{urlencode({'code': code, 'state': self.asked['state']})}"

    def token(self, given, authorization):
        """The answer to a code, once, to the client that asked for it and knows the verifier."""
        asked = self.codes.pop(given.get("code"), None)
        secret = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not asked or authorization != f"Basic {secret}" or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        if asked["redirect_uri"] != given.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce):
        now = int(time.time())
        truth = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in {**truth, **self.claims, **self.lies}.items() if value != ""}
        if self.alg == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self.alg == "HS256":
            return self.signed_as_if_shared(claims)
        return jwt.encode({"alg": self.alg, "kid": "one"}, claims, self.signs_with, algorithms=[self.alg])

    def signed_as_if_shared(self, claims):
        """Signed with the public key as if that were a shared secret: what a confused verifier believes."""
        signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims)}"
        digest = hmac.new(self.key.as_pem(private=False), signed.encode(), "sha256").digest()
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _part(told):
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self):
        address = urlsplit(self.path)
        match address.path:
            case "/.well-known/openid-configuration":
                self.tell(200, self.provider.metadata())
            case "/keys":
                self.tell(200, {"keys": [self.provider.key.as_dict(private=False)]})
            case "/userinfo":
                self.tell(200, self.provider.userinfo)
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.provider.authorize(address.query))
                self.end_headers()
            case _:
                self.tell(404, {})

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        given = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        self.tell(*self.provider.token(given, self.headers.get("Authorization")))

    def tell(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told):
        """Say nothing."""


@contextmanager
def running():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.provider = Provider(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Handler.provider
    finally:
        server.shutdown()
        server.server_close()
