/** What every server of the comparison answers: the service's own answer for 10.0.0.0/16, ready-made. */
export const answer = {
  cidr: '10.0.0.0/16',
  family: 4,
  network: '10.0.0.0',
  broadcast: '10.0.255.255',
  netmask: '255.255.0.0',
  prefixLength: 16,
  addresses: '65536',
  firstHost: '10.0.0.1',
  lastHost: '10.0.255.254',
  containing: '10.0.0.0/15',
  contained: ['10.0.0.0/17', '10.0.128.0/17'],
};

export const PATH = '/v1/networks/10.0.0.0/16';

/** Where the server listens. */
export const port = Number(process.env.PORT);
