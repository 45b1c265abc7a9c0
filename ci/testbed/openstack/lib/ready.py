"""Waits until every service has reported itself since START: `ready.py START COMPUTES NETS SECONDS`.

Records of a previous run may still look alive, so the time of the report
counts and not the state alone.
"""
import datetime
import sys
import time

from rest import Cloud


def epoch(text):
    text = text.replace('T', ' ').replace('Z', '').split('.')[0].split('+')[0]
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()


start, computes, nets = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
end = time.time() + float(sys.argv[4])
why = 'nothing answered'
met = {}
while True:
    try:
        c = Cloud()

        def fresh(rows, field, up):
            return sum(1 for r in rows if up(r) and r.get(field) and epoch(r[field]) >= start)

        while True:
            got = {
                'compute services': (fresh(c.get('compute', '/os-services')['services'], 'updated_at',
                                           lambda r: r['state'] == 'up'), computes + 2),
                'hypervisors': (len([h for h in c.get('compute', '/os-hypervisors')['hypervisors'] if h['state'] == 'up']),
                                computes),
                'resource providers': (len(c.get('placement', '/resource_providers')['resource_providers']), computes),
                'network agents': (fresh(c.get('network', '/agents')['agents'], 'heartbeat_timestamp',
                                         lambda r: r['alive']), computes + 4 * nets),
                'volume services': (fresh(c.get('volume', '/os-services')['services'], 'updated_at',
                                          lambda r: r['state'] == 'up'), 4),
                'key managers': (int('secrets' in c.get('key-manager', '/secrets?limit=1')), 1),
                'image stores': (len(c.get('image', '/info/stores')['stores']), 1),
            }
            for k, (n, want) in got.items():
                if n >= want and k not in met:
                    met[k] = time.time()
                    print('%s: %d after %.0f s' % (k, n, time.time() - start), flush=True)
            why = ', '.join('%s %d of %d' % (k, n, want) for k, (n, want) in got.items())
            if all(n >= want for n, want in got.values()):
                print(why)
                sys.exit(0)
            if time.time() > end:
                break
            time.sleep(0.5)
    except Exception as e:
        why = '%s: %s' % (type(e).__name__, e)
    if time.time() > end:
        sys.exit('not ready in time: ' + why)
    time.sleep(0.5)
