import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

// Read by a runner before its own code: one name of the network leads to a private address, and that to a server of this machine.
const { name, address, port } = JSON.parse(process.env['GATEHOUSE_TEST_HOST']);
const { lookup } = dns;
const { connect } = net;
dns.lookup = (host, options) => (host === name ? Promise.resolve([{ address, family: 4 }]) : lookup(host, options));
net.connect = (options, ...rest) => connect(options.host === address ? { ...options, host: '127.0.0.1', port } : options, ...rest);
syncBuiltinESMExports();
