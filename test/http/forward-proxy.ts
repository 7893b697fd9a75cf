/** A proxy as companies have them: CONNECT for https, the whole URL for http. Every host that it is asked for is one port of this machine. */
import { createServer, request as openRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `METHOD target` and the credentials of each request. */
  readonly asked: readonly (readonly [string, string | undefined])[];
}

/** Starts one that leads to `port`, and refuses who does not bring `credentials` where there are any. */
export async function startForwardProxy(port: number, credentials?: string): Promise<ForwardProxy> {
  const asked: (readonly [string, string | undefined])[] = [];
  const isRefused = (given: string | undefined) => credentials !== undefined && given !== `Basic ${btoa(credentials)}`;
  const server = createServer(({ method, url = '', headers, rawHeaders }, response) => {
    const { 'proxy-authorization': given } = headers;
    asked.push([`${method} ${url}`, given]);
    if (isRefused(given)) return void response.writeHead(407).end();
    const { pathname, search } = new URL(url);
    const kept = rawHeaders.filter((_, index) => !/^proxy-/i.test(rawHeaders[index - (index % 2)] as string));
    const onward = openRequest({ host: '127.0.0.1', port, method, path: pathname + search, headers: kept, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.req.pipe(onward);
  });
  server.on('connect', ({ url, headers }, socket, head) => {
    const { 'proxy-authorization': given } = headers;
    asked.push([`CONNECT ${url}`, given]);
    socket.on('error', () => {});
    if (isRefused(given)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${address.port}`,
    port: address.port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
