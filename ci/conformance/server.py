"""Serves a made cloud over HTTP on loopback, as far as a listing needs it."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from clouds import CREDENTIALS, PROJECT, images, told

# Where each service is below the root, with the version that its URL has.
PATHS = {"compute": "v2.1", "identity": "v3", "block-storage": f"v3/{PROJECT}"}
STORAGE = ("block-storage", "volumev3", "volumev2", "volume", "block-store")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One cloud for everybody in `CREDENTIALS`: user name, password and token
    are all the name of the credential."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, made, page=1000):
        super().__init__(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.made = made
        self.page = page
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def clouds_yaml(self, credential):
        return {
            "clouds": {
                "made": {
                    "auth_type": "password",
                    "auth": {
                        "auth_url": f"{self.base}/identity/v3",
                        "username": credential,
                        "password": credential,
                        "project_name": "made",
                        "user_domain_name": "Default",
                        "project_domain_name": "Default",
                    },
                }
            }
        }

    def close(self):
        self.shutdown()
        self.server_close()

    def token(self, credential):
        def url(kind):
            folder = "block-storage" if kind in STORAGE else kind
            return f"{self.base}/{folder}/{PATHS.get(folder, '')}".rstrip("/")

        domain = {"id": "default", "name": "Default"}
        return {
            "token": {
                "methods": ["password"],
                "user": {
                    "id": credential,
                    "name": credential,
                    "domain": domain,
                    "password_expires_at": None,
                },
                "project": {"id": PROJECT, "name": "made", "domain": domain},
                "is_domain": False,
                "audit_ids": ["made"],
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "expires_at": "2999-01-01T00:00:00.000000Z",
                "roles": [{"id": f"role-{role}", "name": role} for role in CREDENTIALS[credential]],
                "catalog": [
                    {
                        "id": f"service-{number}",
                        "type": entry["type"],
                        "name": entry["type"],
                        "endpoints": [
                            {
                                "id": f"{number}-{face}",
                                "interface": face,
                                "region": "RegionOne",
                                "region_id": "RegionOne",
                                "url": url(entry["type"]),
                            }
                            for face in ("public", "internal", "admin")
                        ]
                        if entry["endpoints"]
                        else [],
                    }
                    for number, entry in enumerate(self.made["catalog"])
                ],
            }
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def say(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("content-type", "application/json"), *headers):
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def error(self, status, message):
        self.say(status, {"error": {"code": status, "message": message}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")
        if self.path.rstrip("/") != "/identity/v3/auth/tokens":
            return self.error(404, "not here")
        identity = body["auth"]["identity"]
        name = identity.get("password", {}).get("user", {}).get("name") or identity.get(
            "token", {}
        ).get("id")
        if name not in CREDENTIALS:
            return self.error(401, "who?")
        return self.say(201, self.server.token(name), [("x-subject-token", name)])

    def do_GET(self):
        where = urlsplit(self.path)
        query = dict(parse_qsl(where.query))
        made = self.server.made
        if where.path == "/":
            if any(s["type"] == "object-store" for s in made["catalog"]):
                status, code = made["s3"]
                root = "Error" if status >= 300 else code
                said = (
                    f'<?xml version="1.0"?><{root}><Code>{code}</Code></{root}>'
                    if status >= 300
                    else (
                        f'<?xml version="1.0"?><{root}><Owner><ID>x</ID></Owner><Buckets></Buckets></{root}>'
                    )
                )
                return self.say(status, said.encode(), [("content-type", "application/xml")])
            return self.error(404, "nothing here")
        service, _, rest = where.path.strip("/").partition("/")
        base = f"{self.server.base}/{service}/"
        versions = {
            "compute": ("v2.1", {"version": "2.96", "min_version": "2.1"}),
            "identity": ("v3.14", {}),
            "image": ("v2.17", {}),
            "network": ("v2.0", {}),
            "block-storage": ("v3.0", {"version": "3.71", "min_version": "3.0"}),
        }
        short = {
            "identity": "v3",
            "image": "v2",
            "block-storage": "v3",
            "compute": "v2.1",
            "network": "v2.0",
        }
        if rest in ("", short.get(service)) and service in versions:
            number, more = versions[service]
            one = {
                "id": number,
                "status": "CURRENT",
                "updated": "2026-01-01T00:00:00Z",
                "links": [{"rel": "self", "href": f"{base}{short[service]}/"}],
            } | more
            single = rest and service in ("compute", "identity")
            return self.say(200, {"version": one} if single else {"versions": [one]})
        who = self.headers.get("x-auth-token")
        if who not in CREDENTIALS:
            return self.error(401, "sign in")
        admin = "admin" in CREDENTIALS[who]
        shown = told(made, who)
        place = f"{service}/{rest}"
        lists = {
            "compute/v2.1/flavors/detail": "flavors",
            "image/v2/images": "images",
            f"block-storage/v3/{PROJECT}/types": "volume_types",
            "network/v2.0/default-security-group-rules": "default_rules",
        }
        refused = made["errors"].get(lists.get(place))
        if refused:
            return self.error(refused, "no")
        if place == "compute/v2.1/flavors/detail":
            return self.page("flavors", shown["flavors"], query)
        if place == "image/v2/images":
            hidden = query.get("os_hidden", "").lower() == "true"
            found = images(made, admin, hidden, query.get("visibility"))
            return self.page("images", found, query)
        if place == f"block-storage/v3/{PROJECT}/types":
            types = shown["volume_types"]
            # Cinder leaves private ones out of an admin's unless asked.
            if admin and query.get("is_public") != "None":
                types = [t for t in types if t.get("is_public", True)]
            return self.page("volume_types", types, query)
        if place == "network/v2.0/default-security-group-rules" and made["default_rules"] != "404":
            return self.page("default_security_group_rules", shown["default_rules"], query)
        if place == "network/v2.0/default-security-group-rules":
            message = "The resource could not be found."
            return self.say(
                404, {"NeutronError": {"type": "HTTPNotFound", "message": message, "detail": ""}}
            )
        if place == "identity/v3/auth/catalog":
            return self.say(200, {"catalog": self.server.token(who)["token"]["catalog"]})
        if admin:
            return self.error(404, "no such thing here")
        return self.error(403, "not for you")

    def page(self, key, items, query):
        at = next((n + 1 for n, i in enumerate(items) if i.get("id", "") == query.get("marker")), 0)
        limit = min(int(query.get("limit") or 10**9), self.server.page)
        body = {key: items[at : at + limit]}
        if len(items) > at + limit:
            rest = {k: v for k, v in query.items() if k != "marker"} | {
                "marker": items[at + limit - 1]["id"]
            }
            path = f"{urlsplit(self.path).path}?" + "&".join(f"{k}={v}" for k, v in rest.items())
            if key == "images":
                body["next"] = path.removeprefix("/image")
            else:
                body[f"{key}_links"] = [{"rel": "next", "href": self.server.base + path}]
        return self.say(200, body)


__all__ = ["Server"]
