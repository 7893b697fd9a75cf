/** A connection to an origin, ready to be written to: with TLS where the scheme says so, checked as the platform does by default. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { faultOf, UpstreamFault } from '../fault.ts';
import type { GiveUpSignal } from '../give-up.ts';

/** How long a connection may take to be made, ms. Nothing was sent before. */
const PATIENCE = 30_000;
/** After so long without a byte the system asks whether the other end is still there, ms. */
const KEEP_ALIVE = 30_000;

/** Opens a connection. Rejects with `UpstreamFault`: nothing was sent. */
export function dial(url: URL, signal: GiveUpSignal): Promise<Socket> {
  const isSecure = url.protocol === 'https:';
  const socket = isSecure ? openSecure(url) : connect(optionsFor(url));
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(late);
      signal.removeEventListener('abort', giveUp);
    };
    const fail = (fault: UpstreamFault) => {
      end();
      socket.destroy();
      reject(fault);
    };
    const giveUp = () => fail(new UpstreamFault('aborted', 'was given up', false));
    const late = setTimeout(() => fail(faultOf(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }), false)), PATIENCE);
    signal.addEventListener('abort', giveUp);
    // The listeners stay: what befalls a connection later is told by its end.
    socket.on('error', (error) => fail(faultOf(error, false)));
    socket.once('close', () => fail(new UpstreamFault('unreachable', 'closed the connection before it was made', false)));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      end();
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
      resolve(socket);
    });
  });
}

function optionsFor({ hostname, port, protocol }: URL) {
  const host = hostname.replace(/^\[|\]$/g, '');
  const standard = protocol === 'https:' ? 443 : 80;
  return { host, port: port === '' ? standard : Number(port) };
}

/** An address has no name that TLS could ask for; it is checked against the certificate all the same. */
function openSecure(url: URL): Socket {
  const options = optionsFor(url);
  return connectSecurely({ ...options, ALPNProtocols: ['http/1.1'], ...(isIP(options.host) === 0 && { servername: options.host }) });
}
