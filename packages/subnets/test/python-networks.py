# What Python says of random networks, one JSON document a line. Addresses of hosts and IPv4-mapped networks are as here
# from Python 3.13 on. Usage: python3 python-networks.py SEED COUNT
import ipaddress
import json
import random
import sys

choose = random.Random(int(sys.argv[1]))


def network():
    version = choose.choice((4, 6))
    bits = 32 if version == 4 else 128
    length = choose.randint(0, bits)
    address = choose.getrandbits(bits)
    if version == 6 and choose.random() < 0.3:
        address = 0xFFFF00000000 | choose.getrandbits(32)
        length = choose.randint(90, 128)
    if version == 6 and choose.random() < 0.3:
        # Runs of zeros, which are shortened.
        for group in range(8):
            if choose.random() < 0.5:
                address &= ~(0xFFFF << (16 * group))
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return kind((address, length), strict=False)


for _ in range(int(sys.argv[2])):
    one = network()
    # The last of all hosts would take for ever.
    last = one.broadcast_address
    if one.version == 4 and one.prefixlen < 31:
        last -= 1
    # Of Python 3.13, whose networks of one address have a list.
    first = next(iter(one.hosts()))
    print(
        json.dumps(
            {
                "cidr": str(one),
                "firstHost": str(first),
                "lastHost": str(last),
                "netmask": str(one.netmask) if one.version == 4 else None,
                "addresses": str(one.num_addresses),
                "containing": None if one.prefixlen == 0 else str(one.supernet()),
                "contained": [] if one.prefixlen == one.max_prefixlen else [str(half) for half in one.subnets()],
            }
        )
    )
