"""Certificates, the configuration of nginx, and entries of the catalog for TLS servers of many kinds.

    tls.py --write | --silent | --wait | --enter | --seen | --remove
"""
import datetime
import ipaddress
import json
import os
import re
import socket
import sys
import time
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from rest import Cloud

FOLDER, LOG = os.environ['TB_TLS'], os.environ['TB_LOG']
MODERN = ('TLSv1.2 TLSv1.3', 'HIGH:!aNULL')
OLD = ('TLSv1 TLSv1.1 TLSv1.2', 'ALL:@SECLEVEL=0')
# What no client should take; those of `none` need no certificate, and encrypt nothing.
NONE = ('TLSv1 TLSv1.1 TLSv1.2', 'aNULL:eNULL:@SECLEVEL=0')
TRUE, SELF, OTHER = 'authority', 'self', 'unknown authority'
# Name: port, protocols and ciphers, signed by, first and last day from today, name in the certificate.
SERVERS = {
    'modern': (15441, MODERN, TRUE, -1, 90, None),
    'expiring': (15442, MODERN, TRUE, -80, 10, None),
    'expired': (15443, MODERN, TRUE, -90, -2, None),
    'future': (15444, MODERN, TRUE, 2, 90, None),
    'self-signed': (15445, MODERN, SELF, -1, 90, None),
    'other-name': (15446, MODERN, TRUE, -1, 90, 'other.example'),
    'unknown-authority': (15447, MODERN, OTHER, -1, 90, None),
    'old': (15448, OLD, TRUE, -1, 90, None),
    'old-only': (15449, ('TLSv1', OLD[1]), TRUE, -1, 90, None),
    'unencrypted': (15450, NONE, TRUE, -1, 90, None),
}
PLAIN, SILENT, CLOSED, DECOY, STATUS, OPEN = 15451, 15452, 15453, 15454, 15455, 15456
# In the catalog; the decoy is not.
OTHERS = {'plain': PLAIN, 'silent': SILENT, 'closed': CLOSED}
# Service: its admin interface is moved behind this server.
BEHIND = {'identity': 'modern', 'network': 'self-signed', 'compute': 'expired', 'placement': 'silent', 'image': 'open'}
PREFIX = 'tls-'


def port(name):
    return {'open': OPEN, **OTHERS}.get(name) or SERVERS[name][0]


def path(name):
    return os.path.join(FOLDER, name)


def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(name, own, issuer, signer, days, authority=False, host=None):
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName(host)] if host else [x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(own.public_key()) \
        .serial_number(x509.random_serial_number()) \
        .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1])) \
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if not authority:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(signer, hashes.SHA256())


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(name, own, *chain):
    with open(path(name + '.key'), 'wb') as f:
        f.write(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    with open(path(name + '.pem'), 'wb') as f:
        f.writelines(c.public_bytes(serialization.Encoding.PEM) for c in chain)


def write():
    os.makedirs(FOLDER, exist_ok=True)
    authorities = {}
    for sort in (TRUE, OTHER):
        own = key()
        authorities[sort] = (named('testbed ' + sort), own)
        pem(sort.replace(' ', '-'), own, certificate(named('testbed ' + sort), own, named('testbed ' + sort), own, (-100, 1000), True))
    listen = []
    for name, (at, (protocols, ciphers), sort, first, last, host) in SERVERS.items():
        own = key()
        issuer, signer = authorities.get(sort, (named(name), own))
        pem(name, own, certificate(named(name), own, issuer, signer, (first, last), host=host))
        listen.append('listen 127.0.0.1:%d ssl; ssl_certificate %s.pem; ssl_certificate_key %s.key; ssl_protocols %s; '
                      'ssl_ciphers "%s"; location / { proxy_pass http://127.0.0.1:5000; }' % (at, name, name, protocols, ciphers))
    fresh = 'ssl; ssl_certificate modern.pem; ssl_certificate_key modern.key'
    # Answers anybody, as a service without keystone does.
    listen.append('listen 127.0.0.1:%d %s; location / { return 200 "{}"; }' % (OPEN, fresh))
    listen.append('listen 127.0.0.1:%d %s; location / { return 200; }' % (DECOY, fresh))
    listen.append('listen 127.0.0.1:%d; location / { return 200; }' % PLAIN)
    listen.append('listen 127.0.0.1:%d; access_log off; location / { stub_status; }' % STATUS)
    with open(path('nginx.conf'), 'w') as f:
        f.write('''daemon off; master_process off; pid nginx.pid;
error_log %(log)s/tls-nginx-error.log info;
events {}
http {
  log_format seen '$server_port "$request" $status token=$http_x_auth_token';
  access_log %(log)s/tls-nginx-access.log seen;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
%(servers)s
}
''' % {'log': LOG, 'servers': '\n'.join('  server { %s }' % s for s in listen)})
    for log in ('access', 'error'):
        open(os.path.join(LOG, 'tls-nginx-%s.log' % log), 'w').close()


def silent():
    with socket.create_server(('127.0.0.1', SILENT), backlog=100):
        time.sleep(10 ** 9)


def listening(at):
    try:
        socket.create_connection(('127.0.0.1', at), 1).close()
        return True
    except OSError:
        return False


def wait():
    for _ in range(50):
        if listening(STATUS) and listening(SILENT):
            return
        time.sleep(0.2)
    sys.exit(1)


def endpoints(cloud):
    services = {s['id']: s for s in cloud.get('identity', '/services')['services']}
    return [(services[e['service_id']], e) for e in cloud.get('identity', '/endpoints')['endpoints']]


def remove(cloud):
    for s in cloud.get('identity', '/services')['services']:
        if s['name'].startswith(PREFIX):
            cloud.delete('identity', '/services/' + s['id'])
    public = {s['id']: e['url'] for s, e in endpoints(cloud) if e['interface'] == 'public'}
    for s, e in endpoints(cloud):
        if e['interface'] == 'admin' and e['url'] != public[s['id']]:
            cloud.patch('identity', '/endpoints/' + e['id'], {'endpoint': {'url': public[s['id']]}})


def enter(cloud):
    remove(cloud)
    # One by name, so that the server's name is sent; no address has one.
    host = {'modern': 'localhost'}
    addresses = {n: '%s:%d' % (host.get(n, '127.0.0.1'), port(n)) for n in [*SERVERS, *OTHERS]}
    for name, address in addresses.items():
        s = cloud.post('identity', '/services', {'service': {'name': PREFIX + name, 'type': PREFIX + name}})['service']['id']
        cloud.post('identity', '/endpoints', {'endpoint': {
            'service_id': s, 'interface': 'public', 'url': 'https://%s/' % address, 'region_id': os.environ['TB_REGION']}})
    for s, e in endpoints(cloud):
        if e['interface'] == 'admin' and s['type'] in BEHIND:
            at = addresses.get(BEHIND[s['type']], '127.0.0.1:%d' % OPEN)
            # The versions that the addresses of the catalog have.
            below = re.sub(r'^https?://[^/]*', '', e['url'])
            cloud.patch('identity', '/endpoints/' + e['id'], {'endpoint': {'url': 'https://%s%s' % (at, below)}})
    addresses['open'] = '127.0.0.1:%d' % OPEN
    print(json.dumps(addresses, indent=1))


def seen():
    with urllib.request.urlopen('http://127.0.0.1:%d/' % STATUS) as answer:
        accepted = answer.read().decode().split('\n')[2].split()[0]
    with open(os.path.join(LOG, 'tls-nginx-access.log'), errors='replace') as f:
        lines = [re.fullmatch(r'(\d+) "(.*)" (\d+) token=(.*)', line.rstrip()).groups() for line in f]
    with open(os.path.join(LOG, 'tls-nginx-error.log'), errors='replace') as f:
        # A handshake without a request, or none, stands there only.
        ports = {int(p) for p in re.findall(r'server: 127.0.0.1:(\d+)', f.read())}
    requests = [{'port': int(p), 'request': r, 'status': int(s), 'token': t} for p, r, s, t in lines]
    ports = ports.union(r['port'] for r in requests) - {STATUS}
    print(json.dumps({'connections': int(accepted), 'requests': requests, 'ports': sorted(ports)}, indent=1))


def main():
    act = sys.argv[1]
    if act in ('--enter', '--remove'):
        {'--enter': enter, '--remove': remove}[act](Cloud())
    else:
        {'--write': write, '--silent': silent, '--wait': wait, '--seen': seen}[act]()


main()
