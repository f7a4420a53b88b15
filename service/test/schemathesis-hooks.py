# The format `cidr`, which Schemathesis does not know: without it, hardly a request gets past the first check.
import schemathesis
from hypothesis import strategies


def network(version, bits):
    return strategies.builds(
        lambda address, length: f"{address}/{length}",
        strategies.ip_addresses(v=version),
        strategies.integers(0, bits),
    )


schemathesis.openapi.format("cidr", strategies.one_of(network(4, 32), network(6, 128)))
